import ArgumentParser
import Columnar
import FunctionJSON
import Glibc

/// `sluice bench columnar`.
struct BenchColumnar: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "columnar",
        abstract: "CSV to Parquet: megabytes of input a second; Parquet read back.",
        discussion: """
            With SLUICE_PYTHON, a Python that has pyarrow, DuckDB and Polars, they convert the same files in turns \
            with Sluice, and pyarrow reads what Sluice wrote.
            """)

    @OptionGroup var options: BenchOptions

    @Option(help: ArgumentHelp("Rows of the orders file.", valueName: "n"))
    var rows = 500_000

    func run() throws {
        ProgramMemory.release()
        var bench = ColumnarBench(folder: options.folder)
        bench.orderRows = rows
        if let python = getenv("SLUICE_PYTHON").map({ String(cString: $0) }) {
            let peers = BenchPeers(python: python, folder: options.folder)
            bench.peerRead = peers.read
            bench.peerConvert = peers.convert
            bench.keepToOneCore = BenchPeers.keepToOneCore
        }
        var printer = BenchPrinter(options)
        for figure in try bench.run() {
            try printer.add(
                BenchLine(
                    bench: "columnar",
                    params: [
                        "data": .string(figure.dataset), "rows": .number(JSONNumber(figure.rows)),
                        "threads": .number(JSONNumber(figure.threads)),
                    ], metric: figure.metric, value: figure.value, unit: figure.unit, floor: figure.floor,
                    ratio: figure.ratio))
        }
        printer.finish()
    }
}
