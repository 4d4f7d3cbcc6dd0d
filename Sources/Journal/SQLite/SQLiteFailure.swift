import Foundation
import GRDB
import GRDBSQLite

/// What SQLite answered instead of success.
struct SQLiteFailure: Error, CustomStringConvertible {
    /// Extended result code.
    var code: Int32
    var message: String
    /// `errno` of the system call that failed, 0 if none did.
    var systemError: Int32

    init(code: Int32, message: String, systemError: Int32) {
        self.code = code
        self.message = message
        self.systemError = systemError
    }

    init(code: Int32, connection: OpaquePointer?) {
        self.code = code
        message = connection.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) } ?? "no connection"
        systemError = connection.map { sqlite3_system_errno($0) } ?? 0
    }

    var description: String { "SQLite error \(code): \(message)" }
}

extension JournalError {
    /// Any error of the storage below as the journal's own: the code says whose fault it is and what helps.
    init(storage error: any Error, doing what: String, path: String? = nil) {
        switch error {
        case let error as JournalError: self = error
        case let error as SQLiteFailure:
            self.init(sqlite: error.code, systemError: error.systemError, error, what, path)
        case let error as DatabaseError:
            self.init(sqlite: error.extendedResultCode.rawValue, systemError: 0, error, what, path)
        case let error as MalformedBlob:
            self.init(
                .corrupt, "While \(what): \(error). Restore the journal from a backup, or ask `sluice doctor`.",
                path: path,
                cause: error)
        default: self.init(.storage, "While \(what): \(error)", path: path, cause: error)
        }
    }

    private init(sqlite code: Int32, systemError: Int32, _ cause: any Error, _ what: String, _ path: String?) {
        // Where the error number is lost on the way (of the shared memory's file, for one), the disk itself is asked.
        let isFull =
            systemError == ENOSPC || systemError == EDQUOT
            || systemError == 0 && path.map { DataFolder.isFull(near: $0) } ?? false
        switch code & 0xFF {
        case SQLITE_FULL:
            self.init(
                .diskFull, "While \(what): no space left on the disk. Free some and try again.", path: path,
                cause: cause)
        // A file of its own (log, shared memory) may be what there is no room for.
        case SQLITE_IOERR where isFull, SQLITE_CANTOPEN where isFull:
            self.init(
                .diskFull, "While \(what): no space left on the disk. Free some and try again.", path: path,
                cause: cause)
        case SQLITE_IOERR, SQLITE_READONLY, SQLITE_PERM, SQLITE_CANTOPEN:
            self.init(
                .inputOutput,
                "While \(what): \(cause)\(systemError == 0 ? "" : " (\(String(cString: strerror(systemError))))"). "
                    + "Check the disk and its permissions.", path: path, cause: cause)
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            self.init(
                .corrupt, "While \(what): \(cause). Restore the journal from a backup.", path: path, cause: cause)
        case SQLITE_CONSTRAINT, SQLITE_TOOBIG, SQLITE_MISMATCH:
            self.init(.constraint, "While \(what): \(cause)", path: path, cause: cause)
        default: self.init(.storage, "While \(what): \(cause)", path: path, cause: cause)
        }
    }
}
