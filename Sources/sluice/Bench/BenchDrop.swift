import ArgumentParser
import FunctionJSON
import Glibc
import SluiceRuntime

/// `sluice bench drop`.
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
