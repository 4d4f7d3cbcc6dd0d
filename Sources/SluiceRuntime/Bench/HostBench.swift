import Glibc
import Journal
import Logging
import UVLoop

/// One figure of a benchmark of the host.
package struct HostFigure: Sendable, Hashable {
    package var metric: String
    package var value: Double
    package var unit: String
    /// What cannot be beaten, measured in the same run.
    package var floor: Double?

    package init(_ metric: String, _ value: Double, _ unit: String, floor: Double? = nil) {
        self.metric = metric
        self.value = value
        self.unit = unit
        self.floor = floor
    }
}

/// Measures a real host in this process, with a real worker and the function `BenchEcho`, on a temporary data folder.
package struct HostBench: Sendable {
    package var module: String
    /// Where the temporary folder is made; its disk is what is measured.
    package var folder: String
    package var count: Int

    /// `module`: the path of libBenchEcho.so.
    package init(module: String, folder: String, count: Int) {
        self.module = module
        self.folder = folder
        self.count = count
    }

    /// From the rename of a file into a bucket to the moment its handler has the event, one file at a time, with a warm
    /// worker. The floor is one durable commit of the journal.
    package func drop() async throws -> [HostFigure] {
        try await withHost { host, data in
            let started = AsyncStream<Int64>.makeStream()
            await host.observeStarts { started.continuation.yield($0) }
            var arrivals = started.stream.makeAsyncIterator()
            var latencies: [Double] = []
            for index in 0..<(count + 20) {
                let waiting = "\(data)/waiting-\(index)"
                try BenchFolder.write("id,value\n1,2\n", to: waiting)
                let began = HostClock().nanoseconds
                guard rename(waiting, "\(data)/buckets/inbox/file-\(index).csv") == 0,
                    let arrived = await arrivals.next()
                else {
                    throw HostStartError(message: "the file could not be dropped")
                }
                // The first ones find a cold worker.
                if index >= 20 { latencies.append(Double(arrived - began) / 1e6) }
            }
            let commits = try await Self.commits(host.journal, count: min(200, count))
            return [
                HostFigure("p50_ms", Self.percentile(latencies, 0.5), "ms", floor: Self.percentile(commits, 0.5)),
                HostFigure("p99_ms", Self.percentile(latencies, 0.99), "ms", floor: Self.percentile(commits, 0.99)),
            ]
        }
    }

    /// Direct invocations: warm, with a worker to be forked, and with the function to be loaded first.
    package func invoke() async throws -> [HostFigure] {
        try await withHost { host, _ in
            func once() async -> Double {
                let began = HostClock().nanoseconds
                _ = await host.invoke("BenchEcho", payload: Array("{}".utf8), eventID: "bench")
                return Double(HostClock().nanoseconds - began) / 1e6
            }
            for _ in 0..<20 { _ = await once() }
            var (warm, forked, loaded): ([Double], [Double], [Double]) = ([], [], [])
            for _ in 0..<count { warm.append(await once()) }
            for _ in 0..<max(10, count / 20) {
                await host.endWorkers(of: "BenchEcho", andZygote: false)
                forked.append(await once())
            }
            for _ in 0..<max(10, count / 20) {
                await host.endWorkers(of: "BenchEcho", andZygote: true)
                while await host.isLoaded("BenchEcho") { await Task.yield() }
                loaded.append(await once())
            }
            let idle = await host.residentMegabytes
            return [
                HostFigure("warm_p50_ms", Self.percentile(warm, 0.5), "ms"),
                HostFigure("warm_p99_ms", Self.percentile(warm, 0.99), "ms"),
                HostFigure("cold_fork_p50_ms", Self.percentile(forked, 0.5), "ms"),
                HostFigure("cold_load_p50_ms", Self.percentile(loaded, 0.5), "ms"),
                HostFigure("host_resident_mb", idle, "MB"),
            ]
        }
    }

    // MARK: The host

    private func withHost(
        _ body: (HostRuntime, _ data: String) async throws -> [HostFigure]
    ) async throws -> [HostFigure] {
        let root = "\(folder)/sluice-bench-\(getpid())-\(HostClock().nanoseconds)"
        let (app, data) = ("\(root)/app", "\(root)/data")
        try BenchFolder.write("buckets:\n  inbox: {}\n", to: "\(app)/sluice.yaml")
        try BenchFolder.write("module: \(module)\ntimeout: 10\n", to: "\(app)/Functions/BenchEcho/function.yaml")
        try BenchFolder.write(
            """
            name: bench
            pattern: {source: [aws.s3], detail-type: [Object Created]}
            targets: [{function: BenchEcho}]

            """, to: "\(app)/Events/rules/bench.yaml")
        var log = Logger(label: "bench")
        log.logLevel = .error
        let service = try await HostService.start(HostOptions(dataFolder: data, appFolder: app), log: log)
        do {
            let figures = try await body(service.runtime, data)
            await service.runtime.stop()
            BenchFolder.remove(root)
            return figures
        } catch {
            await service.runtime.stop()
            BenchFolder.remove(root)
            throw error
        }
    }

    /// Durable commits of one small row each, one after the other, in milliseconds.
    private static func commits(_ journal: any JournalStore, count: Int) async throws -> [Double] {
        var times: [Double] = []
        for index in 0..<count {
            var batch = Batch()
            batch.control.append(.putValue(name: "bench", body: Array("\(index)".utf8)))
            let began = HostClock().nanoseconds
            _ = try await journal.commit(batch)
            times.append(Double(HostClock().nanoseconds - began) / 1e6)
        }
        return times
    }

    private static func percentile(_ values: [Double], _ share: Double) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}

extension HostRuntime {
    /// Calls `body` with the monotonic time (nanoseconds) whenever a worker has an event.
    func observeStarts(_ body: @escaping @Sendable (Int64) -> Void) {
        dispatcher.observers.append { _ in body(HostClock().nanoseconds) }
    }

    /// Ends the idle workers of a function, and what they are forked from.
    func endWorkers(of function: String, andZygote: Bool) {
        guard let version = deployment.functions[function]?.workerVersion else { return }
        pool.endIdle(version)
        if andZygote { pool.retire(version) }
    }

    func isLoaded(_ function: String) -> Bool {
        deployment.functions[function].map { pool.isLoaded($0.workerVersion) } ?? false
    }

    /// Of this process.
    var residentMegabytes: Double { Double(HostController.residentBytes()) / 1_048_576 }
}
