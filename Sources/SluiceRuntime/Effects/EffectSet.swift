package import FunctionProtocol
package import ObjectStore

/// What one attempt has asked for so far. Nothing of it is visible to anyone until the attempt's outcome commits.
package struct EffectSet: Sendable {
    /// One effect, in the order asked.
    package enum Operation: Sendable {
        case put(stage: Int, to: ObjectAddress, overwrite: Bool)
        case delete(ObjectAddress, known: ObjectVersion)
        case event(PutEventsRequest.Entry, id: String)
        /// `shard`: among those that are open when it is asked for.
        case record(PutRecordsRequest.Entry, id: String, shard: Int)
        case register(RegisterFileRequest)
    }

    package struct Effect: Sendable {
        /// The record of a batch it belongs to; nil: the whole batch.
        package var record: Int?
        package var operation: Operation
    }

    package var effects: [Effect] = []
    /// Staged files by number, put or not.
    package var stages: [Int: StagedFile] = [:]
    package var lastStage = 0
    /// The versions that were read; compared again before the outcome commits.
    package var reads: [ObjectAddress: ObjectVersion] = [:]
    /// Keys made by GENERATE_KEY in this attempt: a put to one replaces this event's own earlier output.
    package var generated: Set<ObjectAddress> = []
    /// How many names each record has been given; nil: the attempt as a whole.
    var keyCounts: [Int?: Int] = [:]
    var eventCounts: [Int?: Int] = [:]

    package init() {}

    package var isEmpty: Bool { effects.isEmpty }

    /// Which effects commit, given which records succeeded: a record's with its record, the batch's only if nothing
    /// is to be retried.
    package func committed(succeeded: Set<Int>, records: Int) -> [Effect] {
        let all = succeeded.count == records
        return effects.filter { effect in effect.record.map(succeeded.contains) ?? all }
    }

    /// A staged file that a put in this set uses already, so that it cannot be put twice.
    package func isPut(_ stage: Int) -> Bool {
        effects.contains {
            if case .put(stage, _, _) = $0.operation { true } else { false }
        }
    }

    /// A second put or delete of the same key in one attempt: which of the two should win is not for us to guess.
    package func touches(_ address: ObjectAddress) -> Bool {
        effects.contains { effect in
            switch effect.operation {
            case .put(_, let to, _): to == address
            case .delete(let what, _): what == address
            case .event, .record, .register: false
            }
        }
    }
}
