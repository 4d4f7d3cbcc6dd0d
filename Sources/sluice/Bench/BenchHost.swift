import ArgumentParser
import FunctionJSON
import Glibc
import SluiceRuntime

struct BenchDrop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop", abstract: "A file renamed into a bucket until its handler has the event, worker warm.")

    @OptionGroup var options: BenchOptions

    @Option(help: ArgumentHelp("How many files.", valueName: "n"))
    var files = 500

    func validate() throws {
        guard files > 0 else { throw ValidationError("--files must be at least 1.") }
    }

    func run() async throws {
        options.warnOfMemory()
        let bench = try HostBench(module: BenchModule.path(), folder: options.folder, count: files)
        try BenchModule.printAll(
            await bench.drop(), bench: "drop", params: ["files": .number(JSONNumber(files))], options)
    }
}

struct BenchInvoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invoke", abstract: "Direct invocations: warm, with a worker to fork, with the function to load.")

    @OptionGroup var options: BenchOptions

    @Option(help: ArgumentHelp("How many warm invocations.", valueName: "n"))
    var invocations = 2000

    func validate() throws {
        guard invocations > 0 else { throw ValidationError("--invocations must be at least 1.") }
    }

    func run() async throws {
        options.warnOfMemory()
        let bench = try HostBench(module: BenchModule.path(), folder: options.folder, count: invocations)
        try BenchModule.printAll(
            await bench.invoke(), bench: "invoke", params: ["invocations": .number(JSONNumber(invocations))], options)
    }
}

enum BenchModule {
    /// The benchmark's function, beside this program.
    static func path(_ name: String = "BenchEcho") throws(Failure) -> String {
        let path = Paths.programFolder + "lib\(name).so"
        guard access(path, R_OK) == 0 else {
            throw Failure("the benchmark's function \(path) is not there", hint: "build it with: make build")
        }
        return path
    }

    static func printAll(
        _ figures: [HostFigure], bench: String, params: [String: JSONValue], _ options: BenchOptions
    ) throws {
        var printer = BenchPrinter(options)
        for figure in figures {
            try printer.add(
                BenchLine(
                    bench: bench, params: params, metric: figure.metric, value: figure.value, unit: figure.unit,
                    floor: figure.floor, ratio: figure.floor.map { figure.value / $0 }))
        }
        printer.finish()
    }
}
