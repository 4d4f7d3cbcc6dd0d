import Glibc

/// A failed system call: which, on what, why.
package struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
    package var errno: Int32
    /// The call as a verb phrase, for messages: `open`, `rename`, …
    package var call: String
    /// Relative to the bucket.
    package var path: String

    package init(_ errno: Int32, _ call: String, _ path: String) {
        self.errno = errno
        self.call = call
        self.path = path
    }

    /// The calling thread's errno as an error. Call it before anything else can change errno.
    static func last(_ call: String, _ path: String) -> SystemError {
        SystemError(Glibc.errno, call, path)
    }

    /// Nothing is there, or something on the way is not a folder (any more).
    package var isMissing: Bool { errno == ENOENT || errno == ENOTDIR }

    /// The system's words for the error number.
    package var reason: String {
        String(cString: strerror(errno))
    }

    package var description: String { "\(call) \(path): \(reason)" }
}

extension ObjectStoreError {
    /// The error of a failed system call on behalf of `key`. `doing` completes "cannot …".
    init(_ error: SystemError, doing: String, bucket: String, key: String? = nil) {
        let code: Code
        var permanent: Bool?
        var advice = ""
        switch error.errno {
        case ENOENT: code = .noSuchKey
        case ENOTDIR:
            code = .noSuchKey
            advice = "; a file is in the place of a folder of the key"
        case EACCES, EPERM:
            code = .accessDenied
            advice = "; check the owner and the mode of the file and its folders"
        case EROFS:
            code = .readOnly
            advice = "; the file system is mounted read-only"
        case ENOSPC, EDQUOT:
            code = .noSpace
            advice = "; free some space"
        case ENAMETOOLONG, EINVAL, EILSEQ: code = .invalidKey
        case ELOOP:
            code = .notRegular
            advice = "; symbolic links are not followed"
        case EISDIR, ENXIO: code = .notRegular
        case EXDEV:
            code = .publishFailed
            advice = "; the folder is on another mount than the bucket, and a rename cannot reach it"
        default:
            code = .inputOutput
            permanent = error.errno == ENOSYS || error.errno == EOPNOTSUPP
        }
        self.init(
            code, "cannot \(doing): \(error.call): \(error.reason)\(advice)", bucket: bucket, key: key,
            path: error.path, errno: error.errno, permanent: permanent, cause: error)
    }
}
