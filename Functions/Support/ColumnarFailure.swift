public import Columnar
public import FunctionKit

extension HandlerError {
    /// An error of Columnar under its own code. Bad data is permanent; what the operating system refused may pass.
    public init(_ error: ColumnarError, in object: String) {
        // The message has row and line; the offset helps where a file is too large for an editor.
        let suffix = error.byteOffset.map { " (byte \($0))" } ?? ""
        let isTransient = error.code == .readFailed || error.code == .writeFailed
        self.init(
            code: error.code.description, message: "\(object): \(error.message)\(suffix)",
            retry: isTransient ? nil : false)
    }
}
