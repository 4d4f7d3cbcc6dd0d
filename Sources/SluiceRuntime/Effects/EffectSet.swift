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

        package init(record: Int?, operation: Operation) {
            self.record = record
            self.operation = operation
        }
    }

    /// What one attempt may ask for. All of it is in memory until it commits, and in the journal as one value.
    package static let maximumEffects = 100_000
    package static let maximumBytes = 64 << 20

    package private(set) var effects: [Effect] = []
    /// What the effects put and delete, and the staged files that they put: each call asks for these, and the effects
    /// may be many.
    private var touched: Set<ObjectAddress> = []
    private var put: Set<Int> = []
    /// Bytes of the calls that have asked for something.
    private var askedBytes = 0
    /// Staged files by number, put or not.
    package var stages: [Int: StagedFile] = [:]
    package private(set) var lastStage = 0
    /// The buckets as they were open when the attempt first staged something in them.
    private(set) var buckets: [String: Bucket] = [:]
    /// The versions that were read; compared again before the outcome commits.
    package var reads: [ObjectAddress: ObjectVersion] = [:]
    /// Keys made by GENERATE_KEY in this attempt: a put to one replaces this event's own earlier output.
    package var generated: Set<ObjectAddress> = []
    /// How many names each record has been given; nil: the attempt as a whole.
    var keyCounts: [Int?: Int] = [:]
    var eventCounts: [Int?: Int] = [:]

    package init() {}

    package var isEmpty: Bool { effects.isEmpty }

    package mutating func add(_ effect: Effect) {
        effects.append(effect)
        switch effect.operation {
        case .put(let stage, let address, _):
            put.insert(stage)
            touched.insert(address)
        case .delete(let address, _): touched.insert(address)
        case .event, .record, .register: break
        }
    }

    /// Takes everything back that was asked for.
    package mutating func removeAll() {
        effects = []
        touched = []
        put = []
    }

    /// Before an attempt is given more: throws where that would be more than one may ask for.
    package mutating func admit(bytes: Int) throws(CallRefusal) {
        // A call leaves more behind than its own bytes: names, places, a file.
        askedBytes += bytes + 200
        guard askedBytes <= Self.maximumBytes else {
            throw CallRefusal(
                "TooManyEffects",
                "the events, records, files and registrations of one invocation have more than \(Self.maximumBytes >> 20) MB; "
                    + "put fewer, in several invocations", retry: false)
        }
    }

    /// The same for a number of effects.
    package mutating func admit(count: Int) throws(CallRefusal) {
        guard effects.count + count <= Self.maximumEffects else {
            throw CallRefusal(
                "TooManyEffects",
                "one invocation may put, delete and register at most \(Self.maximumEffects) events, records and files in all; "
                    + "put fewer, in several invocations", retry: false)
        }
    }

    /// Notes a staged file; its number.
    package mutating func stage(_ file: StagedFile, in bucket: Bucket) -> Int {
        lastStage += 1
        stages[lastStage] = file
        if buckets[bucket.name] == nil { buckets[bucket.name] = bucket }
        return lastStage
    }

    /// Which effects commit, given which records succeeded: a record's with its record, the batch's only if nothing
    /// is to be retried.
    package func committed(succeeded: Set<Int>, records: Int) -> [Effect] {
        let all = succeeded.count == records
        return effects.filter { effect in effect.record.map(succeeded.contains) ?? all }
    }

    /// A staged file that a put in this set uses already, so that it cannot be put twice.
    package func isPut(_ stage: Int) -> Bool { put.contains(stage) }

    /// A second put or delete of the same key in one attempt: which of the two should win is not for us to guess.
    package func touches(_ address: ObjectAddress) -> Bool { touched.contains(address) }
}
