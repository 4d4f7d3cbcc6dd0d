import ArgumentParser
import EventPatterns
import FunctionJSON
import Glibc

/// `sluice bench patterns`.
struct BenchPatterns: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "patterns", abstract: "The pattern engine: events matched a second on one thread.")

    @OptionGroup var options: BenchOptions

    @Option(help: ArgumentHelp("The kind of rules (default: all).", valueName: "kind"))
    var kind: String?

    @Option(help: ArgumentHelp("How many rules (default: 5, 1,000 and 100,000).", valueName: "n"))
    var rules: Int?

    @Flag(help: "Leave out what rules that are made to cost much leave of the others' speed.")
    var withoutHostile = false

    @Option(
        help: ArgumentHelp(
            "Measure only what is left beside hostile rules whose name has this text; or, of a file's name, beside the patterns in it, one a line.",
            valueName: "text-or-file"))
    var beside: String?

    func validate() throws {
        if let kind, BenchKind(rawValue: kind) == nil {
            throw ValidationError(
                "`\(kind)` is no kind; there are \(BenchKind.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        if let rules, !(1...10_000_000).contains(rules) {
            throw ValidationError("--rules must be from 1 to 10,000,000.")
        }
    }

    func run() throws {
        let kinds = kind.flatMap(BenchKind.init(rawValue:)).map { [$0] } ?? BenchKind.allCases
        var printer = BenchPrinter(options)
        for kind in kinds {
            for count in rules.map({ [$0] }) ?? [5, 1_000, 100_000] {
                let hostile = try hostile(for: kind)
                let engine = PatternBench(
                    kind: kind, ruleCount: count, hostile: hostile, measuresHostileOnly: beside != nil)
                let intake = try HostileIntake(kind: kind, ruleCount: count, hostile: hostile).run()
                for figure in try engine.run() + intake {
                    try printer.add(
                        BenchLine(
                            bench: "patterns",
                            params: ["kind": .string(kind.rawValue), "rules": .number(JSONNumber(count))],
                            metric: Self.metric(figure.name), value: figure.value, unit: figure.unit,
                            floor: figure.floor,
                            ratio: figure.ratio))
                }
            }
        }
        printer.finish()
    }

    private func hostile(for kind: BenchKind) throws -> [HostileRule] {
        if withoutHostile { return [] }
        guard let beside else { return HostileRules.all(for: kind) }
        if access(beside, R_OK) == 0 {
            var file = try InputFile(beside)
            var rules: [HostileRule] = []
            while let line = try file.line() {
                if InputFile.isBlank(line) { continue }
                rules.append(try HostileRule(pattern: String(decoding: line, as: UTF8.self)))
            }
            return rules
        }
        let rules = HostileRules.all(for: kind)
        let chosen = rules.filter { $0.name.contains(beside) }
        guard !chosen.isEmpty else {
            throw ValidationError(
                "`\(beside)` is no file and in no name of a hostile rule; there are \(rules.map(\.name).joined(separator: ", "))"
            )
        }
        return chosen
    }
}

extension BenchPatterns {
    /// The figure's name in the contract's form: `exact/1000 matching, whole event checked` is
    /// `events_per_second_whole_event_checked`.
    static func metric(_ name: String) -> String {
        let words = [
            "matching": "events_per_second", "time": "ns_per_event", "reading": "read_only_per_second",
            "adding": "rules_added_per_second", "memory": "bytes_per_rule", "matches": "matches_per_event",
            "size": "bytes_per_event", "taken_in": "events_per_second_taken_in",
        ]
        var parts = name.split(separator: " ").dropFirst().map { $0.filter { $0 != "," } }
        if let first = parts.first { parts[0] = words[first] ?? first }
        return parts.joined(separator: "_")
    }
}
