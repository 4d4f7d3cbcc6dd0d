import FunctionJSON
package import FunctionProtocol

/// An error that knows how it wants to be recorded. Conform your own error types to choose their code; any other error
/// is recorded under its type's name.
public protocol CodedError: Error {
    /// A short word without spaces by which dead letters are grouped, such as `SchemaMismatch`.
    var errorCode: String { get }
    /// What is wrong, where, why, and what to do about it.
    var errorMessage: String { get }
    /// False: permanent, to the dead letters at once. True: try again by the policy. Nil: as the code's class says, and
    /// try again for codes that the host does not know.
    var retry: Bool? { get }
}

/// A handler's failure with a code of your choice.
public struct HandlerError: CodedError, Hashable, CustomStringConvertible {
    public var code: String
    public var message: String
    public var retry: Bool?

    /// `retry` false: the same input will fail again (bad data), do not try; true or nil: by the retry policy.
    public init(code: String, message: String, retry: Bool? = nil) {
        self.code = code
        self.message = message
        self.retry = retry
    }

    public var errorCode: String { code }
    public var errorMessage: String { message }
    public var description: String { "\(code): \(message)" }
}

extension HandlerError {
    init(_ failure: Failure) { self.init(code: failure.code, message: failure.message, retry: failure.retry) }
}

extension Failure {
    /// How any error is recorded.
    package init(reporting error: any Error) {
        switch error {
        case let error as any CodedError:
            self.init(code: error.errorCode, message: error.errorMessage, retry: error.retry)
        case let error as DecodingError:
            self.init(code: "DecodingError", message: error.readableMessage)
        case is CancellationError:
            self.init(code: "CancellationError", message: "the handler ended with a CancellationError")
        default:
            self.init(code: Self.typeName(of: error), message: String(describing: error))
        }
    }

    /// `Parser.Failure` for a nested type, without the module.
    private static func typeName(of error: any Error) -> String {
        let qualified = String(reflecting: type(of: error))
        guard let dot = qualified.firstIndex(of: "."), !qualified.contains("(") else {
            return String(describing: type(of: error))
        }
        return String(qualified[qualified.index(after: dot)...])
    }
}
