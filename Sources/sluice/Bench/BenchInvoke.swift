import ArgumentParser
import FunctionJSON
import Glibc
import SluiceRuntime

/// `sluice bench invoke`.
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
