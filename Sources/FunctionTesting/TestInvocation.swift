public import FunctionKit

/// What came of an invocation on a `TestHost`.
public struct TestInvocation: Sendable {
    /// How a handler failed, as a dead letter would say it.
    public struct Failure: Sendable, Hashable, CustomStringConvertible {
        public var code: String
        public var message: String
        /// False: permanent. True: try again. Nil: as the code's class says.
        public var retry: Bool?

        public init(code: String, message: String, retry: Bool?) {
            self.code = code
            self.message = message
            self.retry = retry
        }

        public var description: String { "\(code): \(message)" }
    }

    /// What became of a record of a batch.
    public enum RecordOutcome: Sendable, Hashable {
        case ok
        case dropped
        case failed(Failure)
    }

    /// How the handler's run ended.
    public enum Outcome: Sendable, Hashable {
        case success(output: [UInt8])
        case failure(Failure)
        case batch([RecordOutcome])
    }

    public var outcome: Outcome
    /// What was asked of the context, in order, committed or not.
    public var effects: [Effect]
    /// The logger's lines, in order.
    public var logs: [LogLine]

    /// The handler's failure, of the invocation as a whole; nil otherwise.
    public var failure: Failure? { if case .failure(let failure) = outcome { failure } else { nil } }

    /// The handler's output; nil where it failed, and for batches.
    public var output: [UInt8]? { if case .success(let output) = outcome { output } else { nil } }

    /// The results of a batch; nil for others.
    public var records: [RecordOutcome]? { if case .batch(let records) = outcome { records } else { nil } }

    /// The output of a typed handler. Throws the failure as a `HandlerError` if there was one.
    public func decodedOutput<T: Decodable>(as type: T.Type = T.self) throws -> T {
        if let failure { throw HandlerError(code: failure.code, message: failure.message, retry: failure.retry) }
        return try TapeDecoder().decode(type, from: output ?? [])
    }
}

/// One thing that a handler asked for.
public struct Effect: Sendable {
    /// What was asked for.
    public enum Action: Sendable {
        case put(ObjectLocation, bytes: [UInt8], overwrite: Bool)
        case copy(from: ObjectLocation, to: ObjectLocation, overwrite: Bool)
        case move(from: ObjectLocation, to: ObjectLocation, overwrite: Bool)
        case delete(ObjectLocation)
        case send(SentEvent)
        case putRecord(PutRecord)
        case register(TableFile, baseVersion: Int)
    }

    public var action: Action
    /// The record of the batch that it belongs to; nil for the invocation as a whole.
    public var record: Int?
}

/// An event that a handler sent.
public struct SentEvent: Sendable, Hashable {
    public var id: String
    /// Nil for the default bus.
    public var bus: String?
    public var source: String
    public var detailType: String
    /// One JSON object.
    public var detail: JSONValue
    public var resources: [String]
    public var time: Timestamp?
}

/// A record that a handler put into a stream.
public struct PutRecord: Sendable, Hashable {
    /// Of the event that the host keeps it as.
    public var id: String
    public var stream: String
    public var partitionKey: String
    public var explicitHashKey: String?
    public var data: [UInt8]
}

/// A line of the logger.
public struct LogLine: Sendable, Hashable {
    public var level: Logger.Level
    public var text: String

    public init(level: Logger.Level, text: String) {
        self.level = level
        self.text = text
    }
}

/// A table of the fake catalog, with the files that make its counts.
struct StoredTable: Sendable {
    var table: Table
    var files: [ObjectLocation: (rows: Int64, bytes: Int64)] = [:]

    /// Brings the table's sums up to its files.
    mutating func recount() {
        table.fileCount = Int64(files.count)
        table.rowCount = files.values.reduce(0) { $0 + $1.rows }
        table.byteCount = files.values.reduce(0) { $0 + $1.bytes }
    }
}
