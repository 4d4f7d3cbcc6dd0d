import FunctionJSON
import Glibc
import SluiceRuntime

/// What benchmarks of a host with a function share.
enum BenchModule {
    /// The benchmark's function: beside this program where it was built, and in a folder of its own where it was
    /// installed, for it is none that anybody deploys.
    static func path(_ name: String = "BenchEcho") throws(Failure) -> String {
        let installed = Paths.programFolder + "bench/lib\(name).so"
        let path = access(installed, R_OK) == 0 ? installed : Paths.programFolder + "lib\(name).so"
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
