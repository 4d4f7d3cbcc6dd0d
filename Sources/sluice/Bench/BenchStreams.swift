import ArgumentParser
import EventModel
import FunctionJSON

/// `sluice bench streams`: records put → routed → invoked in the order of their keys → settled, everything real.
struct BenchStreams: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "streams",
        abstract: "Records from a producer's socket to the commit of their outcome: records a second, latency, order.",
        discussion: """
            The producer is a process of its own on the host's public socket; the function runs in real workers, decodes \
            every record and its data, counts it, and checks that each key's records come one after the other; every commit \
            is synced (FULL, read back). The floor is the median of raw SQLite appends of records as large as those in the \
            log in the same run, with commits as large as the run's mean. Latency is from the moment the producer sends to \
            the start of the handler.
            """)

    @OptionGroup var options: BenchOptions

    @Option(help: ArgumentHelp("How long records are put; more are put if that takes them.", valueName: "seconds"))
    var seconds = 60.0

    @Option(help: ArgumentHelp("Records a request of the producer.", valueName: "n"))
    var request = 500

    @Option(help: ArgumentHelp("Connections of the producer.", valueName: "n"))
    var connections = 8

    @Option(help: ArgumentHelp("Records an invocation (batchSize of the rule's target).", valueName: "n"))
    var batch = 500

    @Option(help: ArgumentHelp("Partition keys.", valueName: "n"))
    var keys = 1000

    @Option(help: ArgumentHelp("Shards of the stream.", valueName: "n"))
    var shards = 4

    @Option(help: ArgumentHelp("Bytes of a record's data.", valueName: "n"))
    var bytes = 1024

    @Option(help: ArgumentHelp("Workers of the function.", valueName: "n"))
    var workers = 2

    func validate() throws {
        guard seconds > 0, (1...PutRecordsEntry.maximumRecords).contains(request), (1...keys).contains(connections),
            (1...10_000).contains(batch), shards > 0, (100...PutRecordsEntry.maximumDataBytes).contains(bytes),
            workers > 0
        else {
            throw ValidationError(
                "every figure must be above 0, data has at least 100 bytes, a request at most 500 records, and every "
                    + "connection needs a key of its own")
        }
    }

    func run() async throws {
        options.warnOfMemory()
        let module = try BenchModule.path("BenchStream")
        let app = PipelineApp.stream(Self.name, module: module, batch: batch, shards: shards, workers: workers)
        let host = try await PipelineHost.start(app, folder: options.folder)
        var order = StreamOrder(data: host.data)
        do {
            var runs = PipelineRuns(folder: options.folder, bytes: try storedBytes())
            var load = PipelineHost.Load(
                events: 20_000, request: request, connections: connections, rate: 0, bytes: bytes,
                stream: .init(name: Self.name, keys: keys))
            var violations = 0
            func drive() async throws -> PipelineHost.Run {
                let run = try await host.drive(load)
                violations += try order.violations(of: load.events)
                return run
            }
            // A first short run warms everything and tells how many records fill the time.
            let first = try await drive()
            load.events = max(20_000, Int(first.eventsPerSecond * seconds / 3))
            for _ in 0..<3 { try await runs.add(drive()) }
            load.rate = runs.eventsPerSecond / 2
            load.events = max(20_000, Int(load.rate * seconds / 6))
            try await runs.addHalf(drive())
            await host.stop()
            try print(runs, violations: violations)
        } catch {
            await host.stop()
            throw error
        }
    }

    private static let name = "bench"

    /// What a record of this benchmark has in the log: its data as base64, and what is around it.
    private func storedBytes() throws -> Int {
        let data = Base64.encode([UInt8](repeating: 0, count: bytes))
        return StreamRecordText.bytes(
            stream: Self.name, shard: 0, partitionKey: "key-\(keys / 2)", data: data, arrived: 1_700_000_000_000
        ).count
    }

    private func print(_ runs: PipelineRuns, violations: Int) throws {
        var printer = BenchPrinter(options)
        let params: [String: JSONValue] = [
            "request": .number(JSONNumber(request)), "batch": .number(JSONNumber(batch)),
            "keys": .number(JSONNumber(keys)), "shards": .number(JSONNumber(shards)),
            "bytes": .number(JSONNumber(bytes)),
        ]
        func add(_ metric: String, _ value: Double, _ unit: String, floor: Double? = nil) throws {
            try printer.add(
                BenchLine(
                    bench: "streams", params: params, metric: metric, value: value, unit: unit, floor: floor,
                    ratio: floor.map { value / $0 }))
        }
        try runs.tell("record") { try add($0, $1, $2, floor: $3) }
        try add("order_violations", Double(violations), "records")
        printer.finish()
    }
}
