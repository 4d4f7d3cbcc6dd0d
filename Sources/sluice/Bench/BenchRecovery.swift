import ArgumentParser
import FunctionJSON
import Gateway
import Glibc
import HostAPI
import SluiceRuntime

/// `sluice bench recovery`: a host is killed with events waiting in its log, and started again.
struct BenchRecovery: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recovery",
        abstract: "From `kill -9` with events waiting in the log to a host that is ready again.",
        discussion: """
            The host is a process of its own, killed with SIGKILL and started again as often as --rounds says, first with an \
            empty log (the floor: what the program and its functions need to start) and then with events that wait behind a \
            paused rule. The time is from the start of the process to its line `ready`; in the end the rule is resumed, and \
            every event must be handled once.
            """)

    @OptionGroup var options: BenchOptions

    @Option(help: ArgumentHelp("Events that wait in the log.", valueName: "n"))
    var events = 1_000_000

    @Option(help: ArgumentHelp("How often the host is killed.", valueName: "n"))
    var rounds = 5

    @Option(help: ArgumentHelp("Bytes of an event.", valueName: "n"))
    var bytes = 1024

    func validate() throws {
        guard events > 0, rounds > 0, bytes >= 300 else {
            throw ValidationError("every figure must be above 0, and an event has at least 300 bytes")
        }
    }

    func run() async throws {
        options.warnOfMemory()
        let root = "\(options.folder)/sluice-bench-\(getpid())"
        defer { BenchFolder.remove(root) }
        let app = PipelineApp.events(
            module: try BenchModule.path("BenchCounter"), batch: 200, rules: 1, workers: 2)
        try app.write(below: "\(root)/app")
        let data = "\(root)/data"
        let client = HostClient(dataFolder: data)

        let empty = try killed(root)
        var host = try HostProcess(data: data, app: "\(root)/app")
        try await pause(true, client)
        let load = PipelineHost.Load(events: events, request: 200, connections: 8, rate: 0, bytes: bytes)
        try await load.produce(on: data)
        host.kill()
        let full = try killed(root)

        // Nothing may be lost, and nothing doubled.
        host = try HostProcess(data: data, app: "\(root)/app")
        let began = BenchClock.nanoseconds
        try await pause(false, client)
        while try await client.status().subscriptions.reduce(0, { $0 + $1.waiting + $1.inFlight }) > 0 {
            try await Task.sleep(for: .milliseconds(20))
        }
        let drained = Double(BenchClock.nanoseconds - began) / 1e9
        let counted = PipelineTally.read(below: data).events
        guard counted == events else { throw Failure("the handler counted \(counted) of \(events) events") }
        host.stop()
        try tell(empty: empty, full: full, drained: drained)
    }

    /// Seconds from the start of a host to its readiness, round by round; each is killed.
    private func killed(_ root: String) throws -> [Double] {
        try (0..<rounds).map { _ in
            let began = BenchClock.nanoseconds
            let host = try HostProcess(data: "\(root)/data", app: "\(root)/app")
            let took = Double(BenchClock.nanoseconds - began) / 1e9
            host.kill()
            return took
        }.sorted()
    }

    private func pause(_ paused: Bool, _ client: HostClient) async throws {
        _ = try await client.pauseRule(
            bus: "default", name: PipelineApp.measured, request: PauseRequest(paused: paused, reason: "bench"))
    }

    private func tell(empty: [Double], full: [Double], drained: Double) throws {
        var printer = BenchPrinter(options)
        let params: [String: JSONValue] = [
            "events": .number(JSONNumber(events)), "rounds": .number(JSONNumber(rounds)),
        ]
        func add(_ metric: String, _ value: Double, _ unit: String, floor: Double? = nil) throws {
            try printer.add(
                BenchLine(
                    bench: "recovery", params: params, metric: metric, value: value, unit: unit, floor: floor,
                    ratio: floor.map { value / $0 }))
        }
        try add("ready_after_kill_s", full[full.count / 2], "s", floor: empty[empty.count / 2])
        try add("longest_s", full[full.count - 1], "s", floor: empty[empty.count - 1])
        try add("worked_off_events_per_second", Double(events) / drained, "events/s")
        printer.finish()
    }
}
