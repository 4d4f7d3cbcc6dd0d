import FunctionJSON
import FunctionProtocol

/// A handler of several events at once, with a result for each.
///
/// Effects belong to a record when they are asked of `record.context`, and are committed or discarded with that
/// record's result. Effects asked of the batch's `context` are committed only if no record fails; if one does,
/// nothing of the batch counts, and it is halved and handed out again until what succeeds does so as a whole.
/// Throwing fails every record. A record that does not decode fails with `InvalidEvent` and is not handed in.
public protocol BatchHandler: FunctionHandler {
    associatedtype Input: Decodable & Sendable

    /// The results, one for each record and in their order; `records.results { … }` makes them by handling the records
    /// one after the other.
    func handle(_ records: [Record<Input>], context: Context) async throws -> [RecordResult]
}

/// One event of a batch.
public struct Record<Input: Sendable>: Sendable {
    /// Its position in the batch as delivered.
    public let index: Int
    public let event: Input
    /// For effects that belong to this record alone.
    public let context: Context
}

/// What became of a record.
public enum RecordResult: Sendable {
    case ok
    /// Not wanted: settled without effect, and counted as dropped.
    case dropped
    /// Failed as if it had been thrown by a handler of single events.
    case failed(any Error)
}

extension Sequence {
    /// Handles records one after the other; a record whose handling throws has failed, the others go on.
    public func results<Input: Sendable>(
        _ handle: (Record<Input>) async throws -> Void
    ) async -> [RecordResult] where Element == Record<Input> {
        var results: [RecordResult] = []
        for record in self {
            do {
                try await handle(record)
                results.append(.ok)
            } catch {
                results.append(.failed(error))
            }
        }
        return results
    }
}

extension BatchHandler {
    public static var takesBatches: Bool { true }

    public func warmUp(_ sample: [UInt8]) { _ = try? TapeDecoder().decode(Input.self, from: sample) }

    public func respond(to payload: [UInt8], context: Context) async throws -> FunctionResponse {
        try await respondToBatch(payload, context: context) { records in
            try await handle(records, context: context)
        }
    }
}

/// Splits a payload, decodes its records, and puts the results into their places. A payload that is a single event (as
/// `sluice invoke` may send it) is a batch of one, whose failure is the invocation's.
func respondToBatch<Input: Decodable & Sendable>(
    _ payload: [UInt8], context: Context, handle: ([Record<Input>]) async throws -> [RecordResult]
) async throws -> FunctionResponse {
    let root: JSONNode
    do {
        root = try JSONDocument(parsing: payload).root
    } catch {
        throw HandlerError(code: "InvalidEvent", message: "the payload is not JSON: \(error)", retry: false)
    }
    let isArray = root.kind == .array
    let events = isArray ? Array(root.elements) : [root]
    var answers: [BatchAnswer.Result?] = []
    var records: [Record<Input>] = []
    // Of the records in the batch. Nothing generic is asked for it: each question to `Record<Input>` costs a look-up of
    // its type at run time.
    var places: [Int] = []
    for (index, event) in events.enumerated() {
        do {
            let decoded = try TapeDecoder().decode(Input.self, from: event)
            records.append(Record(index: index, event: decoded, context: context.ofRecord(isArray ? index : nil)))
            places.append(index)
            answers.append(nil)
        } catch let error as DecodingError {
            let message = "record \(index) is no \(Input.self): \(error.readableMessage)"
            answers.append(
                .init(status: .failed, failure: Failure(code: "InvalidEvent", message: message, retry: false)))
        }
    }
    let results = places.isEmpty ? [] : try await handle(records)
    guard results.count == places.count else {
        throw HandlerError(
            code: "MalformedAnswer",
            message: "the handler was given \(places.count) records and answered \(results.count) results; "
                + "it must answer one for each, in their order")
    }
    for (place, result) in zip(places, results) {
        switch result {
        case .ok: answers[place] = .init(status: .ok)
        case .dropped: answers[place] = .init(status: .dropped)
        case .failed(let error): answers[place] = .init(status: .failed, failure: Failure(reporting: error))
        }
    }
    let answer = BatchAnswer(results: answers.compactMap(\.self))
    if !isArray {
        if let failure = answer.results.first?.failure { throw HandlerError(failure) }
        return .output([])
    }
    return FunctionResponse(kind: .batch, body: try TapeEncoder().encode(answer))
}
