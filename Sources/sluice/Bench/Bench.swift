import ArgumentParser
import CLinux
import Columnar
import EventPatterns
import FunctionJSON
import Glibc
import HostAPI
import Journal
import SluiceRuntime

/// `sluice bench`: the speed of each part, on this machine, now.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure the speed of each part; needs no running host.",
        discussion: "Quote medians and ratios: a busy machine moves every absolute figure.",
        subcommands: [
            BenchPatterns.self, BenchColumnar.self, BenchJournal.self, BenchInvoke.self, BenchDrop.self,
            BenchPipeline.self, BenchStreams.self, BenchRedrive.self, BenchRecovery.self, BenchProduce.self,
        ])
}

/// What every benchmark takes.
struct BenchOptions: ParsableArguments {
    @OptionGroup var outputOption: OutputOption

    @Option(help: ArgumentHelp("Where temporary files are made: the disk that is measured.", valueName: "dir"))
    var folder = "/tmp"

    /// Says so where the folder is in memory: what is measured then is no disk, and a commit costs nothing.
    func warnOfMemory() {
        var system = statfs()
        guard statfs(folder, &system) == 0,
            [0x0102_1994, 0x8584_58F6].contains(UInt32(truncatingIfNeeded: system.f_type))
        else { return }
        Failure.warn(
            "\(folder) is in memory, where syncing costs nothing", hint: "--folder DIR: one on the disk to measure")
    }
}

/// One figure as it is printed: the contract of docs/performance.md.
struct BenchLine: Encodable {
    var bench: String
    var params: [String: JSONValue]
    var metric: String
    var value: Double
    var unit: String
    var floor: Double?
    var ratio: Double?
}

/// Prints figures as JSON lines or as one table.
struct BenchPrinter {
    let output: Output
    private var rows: [[String]] = []

    init(_ options: BenchOptions) {
        output = options.outputOption.output
    }

    mutating func add(_ line: BenchLine) throws {
        if output.json {
            try output.object(line)
            output.flush()
            return
        }
        let parameters = line.params.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.text($0.value))" }
        rows.append([
            parameters.joined(separator: " "), line.metric, Self.text(line.value), line.unit,
            line.floor.map(Self.text) ?? "", line.ratio.map { Human.decimal($0, 2) } ?? "",
        ])
    }

    func finish() {
        guard !output.json else { return }
        output.table(
            ["PARAMETERS", "METRIC", .number("VALUE"), "UNIT", .number("FLOOR"), .number("RATIO")], rows)
    }

    private static func text(_ value: JSONValue) -> String {
        String(decoding: value.serialized(), as: UTF8.self).replacing("\"", with: "")
    }

    private static func text(_ value: Double) -> String {
        value >= 1000 ? Human.grouped(Int64(value.rounded())) : Human.decimal(value, value >= 10 ? 1 : 3)
    }
}
