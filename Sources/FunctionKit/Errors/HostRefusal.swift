/// The host's refusal of something asked of `context`. Left uncaught it becomes the attempt's failure, code and all.
///
/// ```swift
/// do { … } catch HostRefusal.Code.noSuchKey { … }
/// ```
public struct HostRefusal: CodedError, Hashable, CustomStringConvertible {
    /// A word of docs/errors.md. New ones may come: always have a default.
    public struct Code: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public init(stringLiteral value: String) { rawValue = value }
        public var description: String { rawValue }

        /// There is no such object.
        public static let noSuchKey: Code = "NoSuchKey"
        /// There is no such bucket.
        public static let noSuchBucket: Code = "NoSuchBucket"
        /// The function's grants do not cover it: see `grants` in function.yaml.
        public static let accessDenied: Code = "AccessDenied"
        /// There is an object of that key, and `overwrite` was not set.
        public static let keyExists: Code = "KeyExists"
        /// The object is no longer the version that the event speaks of.
        public static let objectChanged: Code = "ObjectChanged"
        /// A key that no object can have.
        public static let invalidKey: Code = "InvalidKey"
        /// An entry of `events.put` is not acceptable.
        public static let invalidEvent: Code = "InvalidEvent"
        /// The event bus is not declared in sluice.yaml.
        public static let noSuchBus: Code = "NoSuchBus"
        /// The stream is not declared in sluice.yaml.
        public static let noSuchStream: Code = "NoSuchStream"
        /// An entry of `streams.put` is not acceptable.
        public static let invalidRecord: Code = "InvalidRecord"
        /// Reading or writing an object's bytes failed in the operating system.
        public static let ioFailed: Code = "IOFailed"
        /// The disk or the staging quota is full.
        public static let noSpace: Code = "NoSpace"
        /// The attempt's outputs are larger than the function's `stagingSize`.
        public static let stagingQuotaExceeded: Code = "StagingQuotaExceeded"
        /// The context was used after the handler had returned.
        public static let invocationEnded: Code = "InvocationEnded"
        /// The host is gone; the worker is about to end.
        public static let hostGone: Code = "HostGone"
        /// The host's answer cannot be read: host and FunctionKit do not fit together.
        public static let malformedReply: Code = "MalformedReply"

        /// Lets a code stand as the pattern of a `catch`.
        public static func ~= (code: Code, error: any Error) -> Bool { (error as? HostRefusal)?.code == code }
    }

    public let code: Code
    public let message: String
    public let retry: Bool?

    public init(code: Code, message: String, retry: Bool? = nil) {
        self.code = code
        self.message = message
        self.retry = retry
    }

    public var errorCode: String { code.rawValue }
    public var errorMessage: String { message }
    public var description: String { "\(code): \(message)" }
}
