import CLinux
import Glibc

extension Failure {
    /// A file or folder cannot be used: what was to be done, with which, why, and what to do next.
    /// - Parameters:
    ///   - doing: such as `read`, `write`, `make`.
    ///   - hint: where there is a better one than the reason's own.
    static func file(_ doing: String, _ path: String, _ code: CInt = errno, hint: String? = nil) -> Failure {
        let (reason, advice) = reason(path, code, isReading: doing == "read")
        return Failure("cannot \(doing) \(path): \(reason)", hint: hint ?? advice)
    }

    private static func reason(_ path: String, _ code: CInt, isReading: Bool) -> (String, String?) {
        let folder = StagedFile.folder(of: path)
        switch code {
        case ENOENT where folder != "." && access(folder, F_OK) != 0:
            return (
                "there is no folder \(folder)",
                isReading ? lookedIn(path) : "make it: mkdir -p \(Text.shellWord(folder))"
            )
        case ENOENT: return ("there is no such file", lookedIn(path))
        case EISDIR: return ("it is a folder", "name a file\(isReading ? " in it" : "")")
        case ENOTDIR: return ("a part of its path is a file and no folder", "name another path")
        case EACCES, EPERM:
            // Of what is not there yet it is the folder that says who may make it.
            var place = path
            while access(place, F_OK) != 0, errno == ENOENT, place != "/", place != "." {
                place = StagedFile.folder(of: place)
            }
            return (
                "no permission",
                "`ls -ld \(Text.shellWord(place))` shows whose it is; run this as its owner, or have it opened"
            )
        case ENOSPC, EDQUOT: return ("the disk is full", "make room, or name a place on another disk")
        case EROFS: return ("its disk can only be read", "name a place on another disk")
        default:
            let words = String(cString: strerror(code))
            return (words.prefix(1).lowercased() + words.dropFirst(), nil)
        }
    }

    /// Where a path leads that does not begin at the root.
    private static func lookedIn(_ path: String) -> String? {
        path.hasPrefix("/") ? "look at the path's parts with `ls`" : "relative paths begin in \(Paths.absolute("."))"
    }
}

/// Files looked at before any work begins, so that a wrong name is told of at once, and always in the same words.
enum FileCheck {
    /// Throws where a file cannot be read; `-`, the standard input, always can. Devices and pipes are not opened.
    static func readable(_ path: String) throws(Failure) {
        guard path != "-" else { return }
        var status = stat()
        guard stat(path, &status) == 0 else { throw .file("read", path) }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw .file("read", path, EISDIR) }
        guard access(path, R_OK) == 0 else { throw .file("read", path) }
    }

    /// Throws where no file can be made, or replaced.
    static func writable(_ path: String?) throws(Failure) {
        guard let path, path != "-" else { return }
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { throw .file("write", path, EISDIR) }
        let folder = StagedFile.folder(of: path)
        guard stat(folder, &status) == 0 else { throw .file("write", path) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .file("write", path, ENOTDIR) }
        // A device or pipe is written as it is; anything else is made beside its place and renamed.
        let isThere = stat(path, &status) == 0
        let place = isThere && status.st_mode & S_IFMT != S_IFREG ? path : folder
        guard access(place, W_OK) == 0 else { throw .file("write", path) }
    }
}
