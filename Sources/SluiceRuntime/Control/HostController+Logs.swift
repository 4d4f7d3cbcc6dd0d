import AppConfig
import EventModel
package import HostAPI
import Journal
import Synchronization
import UVLoop

extension HostController {
    package func logs(_ asked: LogQuery) async throws -> AsyncThrowingStream<LogLine, any Error> {
        var named = asked
        if let name = asked.function { named.function = try await source(named: name) }
        let query = named
        let live = query.follow ? logs.lines.listen() : nil
        var attempts: Set<String>?
        let old: [StoredLogLine]
        if let id = query.requestID {
            let records = try await self.attempts(of: id)
            guard !records.isEmpty || query.follow else {
                throw APIError.notFound(
                    "attempt or invocation", id,
                    hint: "those without effects, log lines or errors are not kept; see `sluice invocations list`")
            }
            attempts = Set(records.map { "\($0.attempt)" } + [id])
            // Where an attempt's lines are is in its row: nothing has to be searched.
            let references = records.map { LogReference(file: $0.logFile, offset: $0.logOffset, length: $0.logLength) }
            old = await files.run { [logs] in references.flatMap(logs.read) }
        } else {
            let (since, until) = (query.since.map(Self.stored), query.until.map(Self.stored))
            old = await files.run { [logs] in
                (query.function.map { [$0] } ?? logs.sources()).flatMap {
                    logs.last(query.tail, of: $0, since: since, until: until)
                }.sorted { $0.time < $1.time }
            }
        }
        let admits = { @Sendable [attempts] (line: StoredLogLine) in
            (query.function == nil || line.function == query.function) && (attempts?.contains(line.requestId) ?? true)
        }
        let first = Mutex(old.filter(admits).suffix(query.tail))
        return AsyncThrowingStream(unfolding: {
            if let line = first.withLock({ $0.popFirst() }) { return LogLine(line) }
            while let line = try await live?.next() {
                if admits(line) { return LogLine(line) }
            }
            return nil
        })
    }

    /// What the host itself does with objects, as its attempts are named: known also before it has done any of it.
    private static let ownWork: Set<String> = [LifecycleRunner.name, HostRuntime.dropName]

    /// Whose lines are meant: a function, or a target without one (a webhook, a command) as `RULE/ID`, or by its own or
    /// its rule's name, where only one has it. Throws `NotFound` for a name that is neither deployed nor has left
    /// anything in the logs.
    func source(named name: String) async throws -> String {
        let deployment = await host.deployment
        var names = Set(deployment.functions.keys).union(deployment.subscriptions.map(\.function))
        guard !names.contains(name), name != LogStore.host, !Self.ownWork.contains(name) else { return name }
        names.formUnion(await files.run { [logs] in logs.sources() })
        guard !names.contains(name) else { return name }
        let targets = deployment.subscriptions.filter { $0.target == name || $0.rule == name }.map(\.function)
        if let target = targets.first, Set(targets).count == 1 { return target }
        if let target = names.first(where: { TargetName.shown($0) == name }) { return target }
        names.remove(LogStore.host)
        throw APIError.notFound(
            "function", name,
            hint: NearestName.hint(
                for: name, among: Set(names.map { TargetName.shown($0) }), known: "what runs or has run"))
    }

    /// A moment in the form that stored lines have.
    private static func stored(_ time: APITime) -> String {
        time.description
    }
}

extension LogLine {
    init(_ line: StoredLogLine) {
        self.init(
            time: APITime(rfc3339: line.time) ?? .init(0), level: line.level, stream: line.stream,
            function: line.function == LogStore.host ? nil : line.function,
            requestID: line.requestId.isEmpty ? nil : line.requestId, message: line.message)
    }
}
