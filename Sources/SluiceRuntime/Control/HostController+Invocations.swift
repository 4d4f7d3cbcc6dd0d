import FunctionJSON
import FunctionProtocol
package import HostAPI
import Journal
import UVLoop

extension HostController {
    package func listInvocations(_ asked: InvocationQuery, page: PageRequest) async throws -> Page<InvocationSummary> {
        var named = asked
        if let name = asked.function { named.function = try await source(named: name) }
        let query = named
        if let event = query.eventID {
            let records = try await read { try $0.invocations(eventID: event) }.filter(query.admits)
            return Page(items: records.prefix(page.limit).map { InvocationSummary($0) }, next: nil)
        }
        let first = page.after.flatMap { AttemptID($0) }
        let records = try await read { journal -> [InvocationRecord] in
            var found: [InvocationRecord] = []
            var before = first
            while found.count < page.limit {
                let some = try journal.invocations(function: query.function, before: before, limit: 500)
                found += some.filter(query.admits)
                guard some.count == 500, let last = some.last else { break }
                // An attempt has its number when it starts, and its row when it ends: they go back in time alike, but
                // for those that ran at once.
                if let since = query.since?.milliseconds, last.started < since - 86_400_000 { break }
                before = last.attempt
            }
            return Array(found.prefix(page.limit))
        }
        return Page(
            items: records.map { InvocationSummary($0) },
            next: records.count == page.limit ? records.last.map { "\($0.attempt)" } : nil)
    }

    package func invocation(requestID: String) async throws -> InvocationDetail {
        guard let record = try await attempts(of: requestID).last else {
            throw APIError.notFound(
                "attempt or invocation", requestID,
                hint:
                    "invocations without effects, log lines or errors are not kept; `sluice invocations list` shows the rest"
            )
        }
        let details = JSONText.decode(InvocationDetails.self, from: record.details)
        let event = record.eventIDs.first ?? ""
        let siblings = try await read { try $0.invocations(eventID: event) }
            // A batch is another one each time it is put together: what stays is the event and its subscription.
            .filter {
                $0.invocationID == record.invocationID
                    || record.subscription != nil && $0.subscription == record.subscription
            }
        return InvocationDetail(
            summary: InvocationSummary(record), output: details.flatMap { Self.json(Array($0.output.utf8)) },
            effects: details?.effects ?? [], logs: await lines(of: record), backtrace: details?.backtrace ?? [],
            attempts: (siblings.isEmpty ? [record] : siblings).map { InvocationSummary($0) })
    }

    /// The kept attempts that an id means, the oldest first: the one of an attempt's id, all of an invocation's.
    func attempts(of id: String) async throws -> [InvocationRecord] {
        if let attempt = AttemptID(id), let record = try await read({ try $0.invocation(attempt) }) { return [record] }
        guard let event = AttemptContext.eventID(ofInvocation: id) else { return try await attempts(ofBatch: id) }
        return try await read { try $0.invocations(eventID: event) }.filter { $0.invocationID == id }
    }

    /// A batch's id is a hash of its events: it is looked for among the newest attempts.
    private func attempts(ofBatch id: String) async throws -> [InvocationRecord] {
        guard id.hasPrefix("batch-") else { return [] }
        return try await read { journal in
            var found: [InvocationRecord] = []
            var before: AttemptID?
            for _ in 0..<40 {
                let page = try journal.invocations(function: nil, before: before, limit: 500)
                found += page.filter { $0.invocationID == id }
                guard page.count == 500, found.isEmpty else { break }
                before = page.last?.attempt
            }
            return found.reversed()
        }
    }
}

extension InvocationQuery {
    func admits(_ record: InvocationRecord) -> Bool {
        (function == nil || record.function == function) && (outcome == nil || record.outcome == outcome)
            && (since.map { record.started >= $0.milliseconds } ?? true)
            && (until.map { record.started < $0.milliseconds } ?? true)
    }
}

extension InvocationSummary {
    init(_ record: InvocationRecord) {
        let details = JSONText.decode(InvocationDetails.self, from: record.details)
        self.init(
            requestID: "\(record.attempt)", invocationID: record.invocationID, function: record.function,
            version: record.version, rule: record.subscription == nil ? nil : details?.rule,
            eventIDs: record.eventIDs, attempt: record.attemptNumber, started: .init(record.started),
            durationMilliseconds: Double(record.durationMicroseconds) / 1000, outcome: record.outcome,
            code: record.code.isEmpty ? nil : record.code, message: record.message.isEmpty ? nil : record.message,
            coldStart: record.coldStart)
    }
}
