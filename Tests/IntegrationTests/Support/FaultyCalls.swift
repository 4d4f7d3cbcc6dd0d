import FunctionJSON
import Gateway
import HostAPI

/// What `Faulty` is to do to itself.
struct FaultyRequest: Codable, Sendable {
    var mode: String
    var bucket: String?
    var key: String?
    var count: Int?

    init(_ mode: String, bucket: String? = nil, key: String? = nil, count: Int? = nil) {
        self.mode = mode
        self.bucket = bucket
        self.key = key
        self.count = count
    }
}

/// What the dead letters and the deliveries say of one event.
struct Outcome: Sendable {
    var state: String
    var letter: DeadLetterDetail?
    var invocations: [InvocationSummary]
}

extension HostProcess {
    /// Puts an event on the bus that starts `Faulty`; returns its id.
    @discardableResult
    func put(_ request: FaultyRequest) async throws -> String {
        try await put([request])[0]
    }

    func put(_ requests: [FaultyRequest]) async throws -> [String] {
        let receipt = try await client.putEvents(
            EventSubmission(
                entries: try requests.map {
                    EventEntry(source: "test.faults", detailType: "Fault", detail: try RawJSON(encoding: $0))
                }))
        return try receipt.results.map { result in
            guard let id = result.eventID else { throw Failure(description: "refused: \(result)") }
            return id
        }
    }

    /// Puts events that succeed, one commit each, with `kilobytes` of payload apiece.
    func putLarge(_ count: Int, kilobytes: Int) async throws {
        for _ in 0..<count { _ = try await putPadded(kilobytes: kilobytes) }
    }

    /// Puts an event that succeeds, with so much of a payload; returns its id.
    func putPadded(kilobytes: Int) async throws -> String {
        let padding = String(repeating: "x", count: kilobytes << 10)
        let detail = try RawJSON("{\"mode\":\"ok\",\"padding\":\"\(padding)\"}")
        let receipt = try await client.putEvents(
            EventSubmission(entries: [EventEntry(source: "test.faults", detailType: "Fault", detail: detail)]))
        guard let id = receipt.results.first?.eventID else { throw Failure(description: "refused: \(receipt)") }
        return id
    }

    /// Puts an event and waits until it is settled or dead.
    func outcome(_ request: FaultyRequest) async throws -> Outcome {
        try await outcome(of: put(request))
    }

    func outcome(of event: String) async throws -> Outcome {
        let detail = try await wait(for: "the end of event \(event)") {
            let detail = try await client.event(id: event)
            let isOpen = detail.deliveries.contains { !["settled", "dead", "redriven", "purged"].contains($0.state) }
            return isOpen ? nil : detail
        }
        let delivery = detail.deliveries.first
        var letter: DeadLetterDetail?
        if let id = delivery?.deadLetter { letter = try await client.deadLetter(id: id) }
        return Outcome(state: delivery?.state ?? "no delivery", letter: letter, invocations: detail.invocations)
    }

    /// Invokes `Faulty` directly, without the bus: one attempt, no dead letter.
    func invoke(_ request: FaultyRequest) async throws -> InvocationDetail {
        let detail = try RawJSON(encoding: request)
        let event = """
            {"version":"0","id":"00000000-0000-0000-0000-000000000000","detail-type":"Fault","source":"test.faults",\
            "account":"000000000000","time":"2026-01-01T00:00:00Z","region":"local","resources":[],"detail":\(detail.text)}
            """
        return try await client.invoke(function: "Faulty", request: InvokeRequest(payload: try RawJSON(event)))
    }

    /// Sends dead letters again and waits for the job's end.
    func redrive(_ selection: DeadLetterSelection) async throws -> RedriveJob {
        let job = try await client.redrive(RedriveRequest(selection: selection))
        return try await wait(for: "the redrive to end") {
            let now = try await client.redriveJob(id: job.id)
            return now.state == .completed ? now : nil
        }
    }

    /// All dead letters in state `dead`, oldest first.
    func deadLetters() async throws -> [DeadLetterSummary] {
        try await client.listDeadLetters(DeadLetterSelection(all: true), page: PageRequest(limit: 1000)).items
    }
}
