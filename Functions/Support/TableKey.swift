import Columnar
import FunctionKit

/// The table that an object's key names: `<anything>/<database>/<table>/<file>`. Folders of dates (see `DateFolders`)
/// and of partitions (`month=11`) are passed over, wherever they stand: the days of a table are one table.
public struct TableKey: Sendable, Hashable {
    /// The last folder but one, lower-cased, other characters than `a-z 0-9 _` replaced by `_`.
    public var database: String
    /// The last folder, in the same way.
    public var table: String
    /// The last part, without its extension.
    public var stem: String

    /// Throws `HandlerError` with code `InvalidKey` when the key has fewer than two such folders.
    public init(_ key: String) throws {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let folders = DateFolders.removed(from: parts.dropLast()).filter { !$0.contains("=") }
        guard folders.count >= 2, let file = parts.last else {
            let dates = parts.count > 2 ? " beside those of dates and partitions" : ""
            throw HandlerError(
                code: "InvalidKey",
                message:
                    "the key \"\(key)\" has too few folders (\(folders.count)\(dates)), so it names no table; "
                    + "put the file under <database>/<table>/<file>.csv",
                retry: false)
        }
        database = ColumnName.normalized(folders[folders.count - 2])
        table = ColumnName.normalized(folders[folders.count - 1])
        stem = file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
        if database.isEmpty || table.isEmpty || stem.isEmpty {
            throw HandlerError(
                code: "InvalidKey",
                message: "the key \"\(key)\" has an empty part; put the file under <database>/<table>/<file>.csv",
                retry: false)
        }
    }
}
