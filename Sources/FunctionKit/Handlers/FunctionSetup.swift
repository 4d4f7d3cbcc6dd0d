import FunctionJSON
package import FunctionProtocol

/// What does not change between invocations: handed to `prepare` and `start`, and to the closure that makes a handler.
public struct FunctionSetup: Sendable {
    private let settings: FunctionConfiguration
    /// In `prepare` it writes to standard error; in `start` to the function's log.
    public let logger: Logger

    package init(settings: FunctionConfiguration, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    public var functionName: String { settings.function }
    public var functionVersion: Int { settings.version }
    /// How long an attempt may take before its worker is killed.
    public var timeout: Duration { .milliseconds(settings.timeoutMilliseconds) }
    /// Megabytes a worker may allocate.
    public var memorySize: Int { settings.memoryMegabytes }
    /// The `environment` of function.yaml.
    public var environment: [String: String] { settings.environment }

    /// The `configuration` of function.yaml as a type. Throws `HandlerError` with code `InvalidConfiguration`, which
    /// names the key, when it does not fit.
    /// - Parameter refusesUnknownKeys: whether a key that the type does not ask for, such as a misspelt one, does not
    ///   fit either. Where several types read parts of one configuration, it would refuse each other's.
    public func configuration<T: Decodable>(as type: T.Type = T.self, refusesUnknownKeys: Bool = false) throws -> T {
        try settings.decodedConfiguration(as: type, refusesUnknownKeys: refusesUnknownKeys)
    }
}

extension FunctionConfiguration {
    func decodedConfiguration<T: Decodable>(as type: T.Type, refusesUnknownKeys: Bool) throws -> T {
        do {
            var decoder = TapeDecoder()
            decoder.refusesUnknownMembers = refusesUnknownKeys
            return try decoder.decode(type, from: configuration)
        } catch let error as DecodingError {
            throw HandlerError(
                code: "InvalidConfiguration",
                message: "the configuration of function \(function) does not fit: \(error.readableMessage); "
                    + "correct it in function.yaml and deploy again",
                retry: false)
        }
    }
}
