public import Columnar
public import FunctionKit

extension HandlerError {
    /// An error of Columnar under its own code. Bad data is permanent; what the operating system refused may pass.
    /// - Parameter table: `database.table` whose types the columns have.
    public init(_ error: ColumnarError, in object: String, table: String? = nil) {
        // The message has row and line; the offset helps where a file is too large for an editor.
        let suffix = error.byteOffset.map { " (byte \($0))" } ?? ""
        let hint = error.code == .schemaMismatch ? table.map(Self.dropHint) ?? "" : ""
        let isTransient = [.readFailed, .writeFailed, .outOfMemory].contains(error.code)
        self.init(
            code: error.code.description, message: "\(object): \(error.message)\(suffix)\(hint)",
            retry: isTransient ? nil : false)
    }

    /// What changes the types of a table.
    static func dropHint(_ table: String) -> String {
        " The types of table \(table) stay as its first file had them; after `sluice catalog drop \(table)` the next file "
            + "makes it anew."
    }
}
