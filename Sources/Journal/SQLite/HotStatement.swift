import GRDB
import GRDBSQLite

/// A prepared statement driven through SQLite's C interface: for the statements that run for every record, where GRDB's
/// arguments and rows would cost as much as the work. GRDB prepares and owns it.
///
/// Belongs to the connection it was made on, and to its thread.
final class HotStatement {
    private let statement: Statement
    private let handle: OpaquePointer
    private let connection: OpaquePointer?

    init(_ database: Database, _ sql: String) throws {
        statement = try database.makeStatement(sql: sql)
        handle = statement.sqliteStatement
        connection = database.sqliteConnection
    }

    /// From GRDB's cache of the connection: for readers.
    init(cached database: Database, _ sql: String) throws {
        statement = try database.cachedStatement(sql: sql)
        handle = statement.sqliteStatement
        connection = database.sqliteConnection
    }

    // SQLITE_TRANSIENT: SQLite makes its own copy.
    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    func bind(_ index: Int32, _ value: Int64) { sqlite3_bind_int64(handle, index, value) }
    func bind(_ index: Int32, _ value: Int) { sqlite3_bind_int64(handle, index, Int64(value)) }
    func bindNull(_ index: Int32) { sqlite3_bind_null(handle, index) }

    func bind(_ index: Int32, _ value: Int64?) {
        if let value { bind(index, value) } else { bindNull(index) }
    }

    func bind(_ index: Int32, _ text: String) {
        // withUTF8 gives a nil base address for no bytes at all, which would bind NULL.
        guard !text.isEmpty else {
            sqlite3_bind_text(handle, index, "", 0, Self.copied)
            return
        }
        var text = text
        text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                _ = sqlite3_bind_text(handle, index, $0.baseAddress, Int32($0.count), Self.copied)
            }
        }
    }

    func bind(_ index: Int32, _ blob: [UInt8]) {
        guard !blob.isEmpty else {
            sqlite3_bind_zeroblob(handle, index, 0)
            return
        }
        blob.withUnsafeBytes { _ = sqlite3_bind_blob64(handle, index, $0.baseAddress, UInt64($0.count), Self.copied) }
    }

    /// Binds without a copy for the time of `body`, which must run the statement.
    func withBlob<R>(_ index: Int32, _ blob: [UInt8], _ body: () throws -> R) rethrows -> R {
        guard !blob.isEmpty else {
            sqlite3_bind_zeroblob(handle, index, 0)
            return try body()
        }
        return try blob.withUnsafeBytes {
            sqlite3_bind_blob64(handle, index, $0.baseAddress, UInt64($0.count), nil)
            return try body()
        }
    }

    /// Binds without a copy for the time of `body`, which must run the statement.
    func withText<R>(_ index: Int32, _ text: String, _ body: () throws -> R) rethrows -> R {
        guard !text.isEmpty else {
            bind(index, text)
            return try body()
        }
        var text = text
        return try text.withUTF8 { bytes in
            try bytes.withMemoryRebound(to: CChar.self) {
                sqlite3_bind_text(handle, index, $0.baseAddress, Int32($0.count), nil)
                return try body()
            }
        }
    }

    /// Runs a statement that gives no rows.
    func run() throws(SQLiteFailure) {
        _ = try step()
        reset()
    }

    /// True if there is a row.
    func step() throws(SQLiteFailure) -> Bool {
        let code = sqlite3_step(handle)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            let failure = SQLiteFailure(code: sqlite3_extended_errcode(connection), connection: connection)
            reset()
            throw failure
        }
    }

    func reset() { sqlite3_reset(handle) }

    func int64(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func text(_ column: Int32) -> String {
        guard let text = sqlite3_column_text(handle, column) else { return "" }
        let bytes = UnsafeBufferPointer(start: text, count: Int(sqlite3_column_bytes(handle, column)))
        return String(decoding: bytes, as: UTF8.self)
    }

    func blob(_ column: Int32) -> [UInt8] {
        guard let blob = sqlite3_column_blob(handle, column) else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: blob, count: Int(sqlite3_column_bytes(handle, column))))
    }

    func withBlob<R>(_ column: Int32, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        let blob = sqlite3_column_blob(handle, column)
        return body(
            UnsafeRawBufferPointer(start: blob, count: blob == nil ? 0 : Int(sqlite3_column_bytes(handle, column))))
    }
}
