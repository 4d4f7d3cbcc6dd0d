/// What the journal can fail with.
package struct JournalError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure: callers decide by it.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String {
            case closed, diskFull, inputOutput, needsRestart, corrupt, newerFormat, locked, unsuitableFileSystem,
                constraint, storage, invalidOption
        }

        private var value: Value

        /// Submitted after `close`.
        package static let closed = Code(value: .closed)
        /// No space left; nothing of the batch was written.
        package static let diskFull = Code(value: .diskFull)
        package static let inputOutput = Code(value: .inputOutput)
        /// The disk has failed in a way that this life of the journal cannot get over; the next one can.
        package static let needsRestart = Code(value: .needsRestart)
        package static let corrupt = Code(value: .corrupt)
        /// The data folder was written by a newer Sluice.
        package static let newerFormat = Code(value: .newerFormat)
        /// Another host holds the data folder.
        package static let locked = Code(value: .locked)
        /// NFS, SMB, FUSE and the like: fsync and locks cannot be trusted.
        package static let unsuitableFileSystem = Code(value: .unsuitableFileSystem)
        /// A batch contradicts what is stored (an unknown subscription, a settlement of what is settled).
        package static let constraint = Code(value: .constraint)
        package static let storage = Code(value: .storage)
        /// A size in the environment is none.
        package static let invalidOption = Code(value: .invalidOption)

        package var description: String { value.rawValue }
    }

    package var code: Code
    package var message: String
    package var path: String?
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, path: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.path = path
        self.cause = cause
    }

    package var description: String {
        path.map { "\(message) (\(code), \($0))" } ?? "\(message) (\(code))"
    }
}
