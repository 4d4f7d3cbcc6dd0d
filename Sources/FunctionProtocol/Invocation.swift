// What passes between host and worker around an invocation, beside the bulk.

/// Handed to a module's `prepare`: what does not change between invocations.
package struct FunctionConfiguration: Codable, Sendable, Hashable {
    package var function: String
    package var version: Int
    /// Milliseconds an attempt may take.
    package var timeoutMilliseconds: Int
    /// Megabytes a worker may allocate.
    package var memoryMegabytes: Int
    package var environment: [String: String]
    /// The `configuration` mapping of function.yaml as JSON text; `{}` when absent.
    package var configuration: String
    /// The lowest level that is sent: swift-log's names.
    package var logLevel: String

    package init(
        function: String, version: Int, timeoutMilliseconds: Int, memoryMegabytes: Int,
        environment: [String: String] = [:], configuration: String = "{}", logLevel: String = "info"
    ) {
        self.function = function
        self.version = version
        self.timeoutMilliseconds = timeoutMilliseconds
        self.memoryMegabytes = memoryMegabytes
        self.environment = environment
        self.configuration = configuration
        self.logLevel = logLevel
    }
}

/// What a module says of itself once it is loaded.
package struct ModuleManifest: Codable, Sendable, Hashable {
    package var abiVersion: Int
    package var kitVersion: String
    package var compiler: String
    package var batch: Bool
    package var canFork: Bool
    /// Why it cannot fork, when it cannot.
    package var forkRefusal: String?

    package init(
        abiVersion: Int, kitVersion: String, compiler: String, batch: Bool, canFork: Bool, forkRefusal: String? = nil
    ) {
        self.abiVersion = abiVersion
        self.kitVersion = kitVersion
        self.compiler = compiler
        self.batch = batch
        self.canFork = canFork
        self.forkRefusal = forkRefusal
    }
}

/// A handler's failure, and the host's refusal of a call. Codes: docs/errors.md.
package struct Failure: Error, Codable, Sendable, Hashable {
    package var code: String
    package var message: String
    /// False: permanent, go to the dead letters at once. True: retry by the policy. Nil: as the code's class says.
    package var retry: Bool?

    package init(code: String, message: String, retry: Bool? = nil) {
        self.code = code
        self.message = message
        self.retry = retry
    }
}

/// The answer to a batch (SLUICE_OUTCOME_BATCH): one result a record, in the order of the records. Another count is a
/// malformed answer and fails the whole batch.
package struct BatchAnswer: Codable, Sendable, Hashable {
    /// What the handler says of one record.
    package enum Status: String, Codable, Sendable {
        case ok = "Ok"
        case dropped = "Dropped"
        case failed = "Failed"
    }

    /// One record of the batch, in its order.
    package struct Result: Codable, Sendable, Hashable {
        package var status: Status
        package var failure: Failure?

        package init(status: Status, failure: Failure? = nil) {
            self.status = status
            self.failure = failure
        }
    }

    package var results: [Result]

    package init(results: [Result]) {
        self.results = results
    }
}

extension BatchAnswer {
    /// A batch that succeeded as a whole is `{"ok": 200}`; any other is `{"results": [...]}`, which is always allowed.
    private enum CodingKeys: String, CodingKey {
        case ok, results
    }

    /// More records than any batch has.
    private static let maximumRecords = 1_000_000

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let count = try container.decodeIfPresent(Int.self, forKey: .ok) {
            guard (0...Self.maximumRecords).contains(count) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .ok, in: container, debugDescription: "\(count) is no number of records")
            }
            results = Array(repeating: Result(status: .ok), count: count)
        } else {
            results = try container.decode([Result].self, forKey: .results)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if results.allSatisfy({ $0 == Result(status: .ok) }) {
            try container.encode(results.count, forKey: .ok)
        } else {
            try container.encode(results, forKey: .results)
        }
    }
}

/// PUT_EVENTS: the events are appended when the invocation succeeds. Reply `PutEventsReply`.
package struct PutEventsRequest: Codable, Sendable {
    /// An event to put.
    package struct Entry: Codable, Sendable, Hashable {
        package var bus: String?
        package var source: String
        package var detailType: String
        /// A JSON object as text.
        package var detail: String
        package var resources: [String]
        /// RFC 3339; now when absent.
        package var time: String?

        package init(
            bus: String? = nil, source: String, detailType: String, detail: String, resources: [String] = [],
            time: String? = nil
        ) {
            self.bus = bus
            self.source = source
            self.detailType = detailType
            self.detail = detail
            self.resources = resources
            self.time = time
        }
    }

    package var entries: [Entry]
    package var record: Int?

    package init(entries: [Entry], record: Int? = nil) {
        self.entries = entries
        self.record = record
    }
}

/// Answer to PUT_EVENTS.
package struct PutEventsReply: Codable, Sendable {
    package var eventIDs: [String]

    package init(eventIDs: [String]) {
        self.eventIDs = eventIDs
    }
}
