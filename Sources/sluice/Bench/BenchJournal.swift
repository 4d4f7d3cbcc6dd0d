import ArgumentParser
import FunctionJSON
import Journal

/// `sluice bench journal`: the journal alone, beside raw SQLite.
struct BenchJournal: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal", abstract: "The journal: durable events a second, beside raw SQLite appends.")

    @OptionGroup var options: BenchOptions

    @Option(help: ArgumentHelp("Events a run.", valueName: "n"))
    var events = 300_000

    @Option(help: ArgumentHelp("Bytes of an event.", valueName: "n"))
    var bytes = 1024

    @Flag(
        help: """
            Instead: what an event costs with more events in the log, more subscriptions that want it, a longer backlog. \
            The floor is the first point of each curve.
            """)
    var curves = false

    @Option(help: ArgumentHelp("One part alone.", valueName: "part"))
    var only: JournalBench.Part?

    func validate() throws {
        guard events > 0, bytes > 0 else { throw ValidationError("every figure must be above 0") }
    }

    func run() throws {
        options.warnOfMemory()
        var bench = JournalBench(folder: options.folder)
        bench.events = events
        bench.bytes = bytes
        var printer = BenchPrinter(options)
        let params: [String: JSONValue] = [
            "events": .number(JSONNumber(events)), "bytes": .number(JSONNumber(bytes)),
        ]
        for figure in try curves ? bench.curves() : bench.run(only.map { [$0] } ?? JournalBench.Part.allCases) {
            try printer.add(
                BenchLine(
                    bench: "journal", params: params, metric: figure.metric, value: figure.value, unit: figure.unit,
                    floor: figure.floor, ratio: figure.ratio))
        }
        printer.finish()
    }
}

extension JournalBench.Part: ExpressibleByArgument {}
