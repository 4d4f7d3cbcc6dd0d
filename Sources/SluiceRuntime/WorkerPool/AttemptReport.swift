package import FunctionProtocol
package import Journal
package import UVLoop

/// A function version as workers run it.
package struct WorkerVersion: Sendable, Hashable {
    package var modulePath: String
    package var configuration: FunctionConfiguration
    /// Seconds that loading and `prepare` may take.
    package var initTimeout: Double
    /// Bytes a file may grow to, and an attempt may stage.
    package var stagingBytes: Int64
    /// Workers that may wait idle for the next attempt.
    package var keptWarm: Int

    package init(
        modulePath: String, configuration: FunctionConfiguration, initTimeout: Double, stagingBytes: Int64 = 10 << 30,
        keptWarm: Int
    ) {
        self.modulePath = modulePath
        self.configuration = configuration
        self.initTimeout = initTimeout
        self.stagingBytes = stagingBytes
        self.keptWarm = keptWarm
    }

    var name: String { "\(configuration.function) v\(configuration.version)" }

    /// What nearly always tells versions apart: the pool looks them up several times an attempt.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(configuration.function)
        hasher.combine(configuration.version)
    }
}

/// One try for a worker.
package struct AttemptRequest: Sendable {
    /// The host's number, echoed in every frame: an answer for another one is ignored.
    package var id: UInt64
    package var requestID: String
    package var invocationID: String
    package var attempt: Int
    package var payload: HandlerPayload
    package var batch: Bool
    /// Seconds from the moment the worker has the event.
    package var timeout: Double

    package init(
        id: UInt64, requestID: String, invocationID: String, attempt: Int, payload: HandlerPayload,
        batch: Bool, timeout: Double
    ) {
        self.id = id
        self.requestID = requestID
        self.invocationID = invocationID
        self.attempt = attempt
        self.payload = payload
        self.batch = batch
        self.timeout = timeout
    }
}

/// What an attempt came to, as the pool saw it.
package struct AttemptReport: Sendable {
    package enum Outcome: Sendable {
        /// The handler's output.
        case success([UInt8])
        case failure(Failure)
        case batch(BatchAnswer)
    }

    package var outcome: Outcome
    package var durationMicroseconds: Int64 = 0
    /// It had to wait for a process to be made.
    package var coldStart = false
    package var logs: [WorkerLogLine] = []
    /// Innermost first, one frame a line; only of a crash.
    package var backtrace: [String] = []
    /// The most memory that the worker has ever had resident; 0 where it did not answer.
    package var peakKilobytes = 0
    /// Milliseconds (Retry-After) for which the target asked not to be called.
    package var retryAfter: Int64?
    /// Of a batch of a stream: the record at which the handler stopped. What comes after it does not count as
    /// delivered.
    package var stoppedAt: Int?

    package init(outcome: Outcome) {
        self.outcome = outcome
    }
}

/// One line that an invocation wrote.
package struct WorkerLogLine: Sendable, Hashable {
    package enum Stream: String, Sendable {
        case stdout, stderr, logger
        /// The host's own line among those of an invocation: how it failed.
        case host
    }

    package var stream: Stream
    /// swift-log's names.
    package var level: String
    package var time: Milliseconds
    package var text: String
}

/// What a handler asks of the host.
@LoopActor
package final class WorkerCall {
    package let operation: UInt32
    package let body: [UInt8]
    private var answer: ((WorkerReply) -> Void)?

    init(operation: UInt32, body: [UInt8], answer: @escaping (WorkerReply) -> Void) {
        self.operation = operation
        self.body = body
        self.answer = answer
    }

    /// Answers once; later answers are dropped, their descriptors closed.
    package func reply(_ reply: WorkerReply) {
        if let answer {
            self.answer = nil
            answer(reply)
        } else {
            reply.discard()
        }
    }
}

/// The answer to a call. A descriptor becomes the pool's, which closes it once it is sent.
package enum WorkerReply: Sendable {
    case success([UInt8], descriptor: Int32?)
    case failure(Failure)
}

/// Who decides what runs. All calls come on the loop.
@LoopActor
package protocol WorkerPoolDelegate: AnyObject {
    /// The worker has the event; the time limit runs.
    func attemptStarted(_ id: UInt64)
    func attemptCalled(_ id: UInt64, _ call: WorkerCall)
    /// Once for each request.
    func attemptFinished(_ id: UInt64, _ report: AttemptReport)
}
