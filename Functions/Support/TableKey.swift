import Columnar
import FunctionKit

/// The table that an object's key names: `<anything>/<database>/<table>/<file>`.
public struct TableKey: Sendable, Hashable {
    /// The third-last part, lower-cased, other characters than `a-z 0-9 _` replaced by `_`.
    public var database: String
    /// The second-last part, in the same way.
    public var table: String
    /// The last part, without its extension.
    public var stem: String

    /// Throws `HandlerError` with code `InvalidKey` when the key has fewer than three parts.
    public init(_ key: String) throws {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 3 else {
            throw HandlerError(
                code: "InvalidKey",
                message:
                    "the key \"\(key)\" has too few parts (\(parts.count)), so it names no table; "
                    + "put the file under <database>/<table>/<file>.csv",
                retry: false)
        }
        database = ColumnName.normalized(parts[parts.count - 3])
        table = ColumnName.normalized(parts[parts.count - 2])
        let file = parts[parts.count - 1]
        stem = file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
        if database.isEmpty || table.isEmpty || stem.isEmpty {
            throw HandlerError(
                code: "InvalidKey",
                message: "the key \"\(key)\" has an empty part; put the file under <database>/<table>/<file>.csv",
                retry: false)
        }
    }
}
