import Crypto
import EventModel
import FunctionProtocol
import Journal
import UVLoop

/// What the names of an attempt's effects derive from. A record's names are its event's own, whatever batch it comes
/// in: a name that is its neighbour's would replace the neighbour's output, or make two events one.
extension AttemptContext {
    /// Of a record of the batch, which is another one each time it is put together, or of all that the handler was
    /// given.
    private func works(of record: Int?) throws -> [Work] {
        guard let record else { return attempt.works }
        guard attempt.works.indices.contains(record) else {
            throw CallRefusal(
                "InvalidRequest", "there is no record \(record) in this invocation of \(attempt.works.count)",
                retry: false)
        }
        return [attempt.works[record]]
    }

    /// The work whose event is about an object, and what the event says of it: of several in a batch the record's own.
    func work(about address: ObjectAddress, record: Int?) -> (index: Int, work: Work, input: ObjectInput)? {
        let own = record.flatMap { inputs.indices.contains($0) && inputs[$0]?.address == address ? $0 : nil }
        guard let index = own ?? inputs.firstIndex(where: { $0?.address == address }), let input = inputs[index] else {
            return nil
        }
        return (index, attempt.works[index], input)
    }

    /// The dead letter whose record of a stream carries an event about the object: what it has kept may be read.
    func letter(carrying address: ObjectAddress, record: Int?) -> (id: Int64, work: Work, input: ObjectInput)? {
        let indices = attempt.works.indices
        for index in record.map({ indices.contains($0) ? [$0] : [] }) ?? Array(indices) {
            let work = attempt.works[index]
            guard let id = shadow?.deadLetter ?? work.deadLetter,
                let input = EventReading.carriedObject(of: work.payload), input.address == address
            else { continue }
            return (id, work, input)
        }
        return nil
    }

    /// The names of a batch as a whole are none of its records'.
    private func scope(_ kind: String, _ record: Int?) -> String {
        record == nil && version.isBatch ? "batch \(kind)" : kind
    }

    /// The hash in the next generated key: the same for every attempt and every replay.
    package func nextKeyHash(of record: Int?) throws -> String {
        let events = try works(of: record).map(\.eventID).joined(separator: "\n")
        let count = (effects.keyCounts[record] ?? 0) + 1
        effects.keyCounts[record] = count
        let subscription = settings.map { "\($0.bus)/\($0.rule)/\($0.target)" } ?? "invoke"
        return EventIdentity.hash(scope("key", record), events, subscription, "\(count)")
    }

    /// The ids of the next events: the same for every attempt, others for a replay.
    package func nextEventIDs(_ count: Int, of record: Int?) throws -> [String] {
        let invocation = InvocationIDs.own(of: try works(of: record))
        let before = effects.eventCounts[record] ?? 0
        effects.eventCounts[record] = before + count
        let kind = scope("event", record)
        return (0..<count).map { EventIdentity.derived(from: kind, invocation, "\(before + $0 + 1)") }
    }
}

/// The idempotency keys of an attempt's deliveries.
package enum InvocationIDs {
    /// The one of an attempt as a whole; a batch of several has one that stands for just these deliveries.
    package static func own(of works: [Work]) -> String {
        guard works.count > 1 else { return works.first.map(AttemptContext.invocationID(of:)) ?? "" }
        return own(lines(of: works))
    }

    /// What the worker is given (sluice_abi.h): the attempt's own and, for several works, each work's on a line of its
    /// own.
    package static func text(of works: [Work]) -> String {
        guard works.count > 1 else { return own(of: works) }
        let lines = lines(of: works)
        return own(lines) + "\n" + String(decoding: lines, as: UTF8.self)
    }

    private static func own(_ lines: [UInt8]) -> String {
        "batch-" + SHA256.hash(data: lines).withUnsafeBytes { EventID.derived(from: $0) }
    }

    /// Once an event of every batch: no text is made of each.
    private static func lines(of works: [Work]) -> [UInt8] {
        var lines: [UInt8] = []
        lines.reserveCapacity(works.count * 48)
        var subscription: SubscriptionID?
        var suffix: [UInt8] = []
        for index in works.indices {
            if !lines.isEmpty { lines.append(UInt8(ascii: "\n")) }
            if case .direct = works[index].source {
                lines += AttemptContext.invocationID(of: works[index]).utf8
                continue
            }
            let of = works[index].delivery.subscription
            if subscription != of {
                subscription = of
                suffix = Array("-\(of.value)".utf8)
            }
            var id = works[index].eventID
            id.withUTF8 { lines.append(contentsOf: $0) }
            lines += suffix
        }
        return lines
    }
}
