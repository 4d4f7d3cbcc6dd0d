import CLinux
import Glibc

/// Copies of whole folders.
package enum FolderCopy {
    /// What could not be copied.
    package struct Fault: Error, Sendable {
        package var message: String

        package init(message: String) { self.message = message }
    }

    /// Copies the regular files below `source` to the same places below `destination`, durably; blocks are shared where
    /// the file system can. Symbolic links and other things are left out; a folder that is not there has no files.
    /// Blocking.
    /// - Returns: how many files.
    package static func copy(_ source: String, to destination: String) throws(Fault) -> Int {
        guard let folder = opendir(source) else {
            if errno == ENOENT { return 0 }
            throw fault("read", source)
        }
        defer { closedir(folder) }
        if mkdir(destination, 0o755) != 0, errno != EEXIST { throw fault("make", destination) }
        var count = 0
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            let (from, to) = ("\(source)/\(name)", "\(destination)/\(name)")
            var status = Glibc.stat()
            guard lstat(from, &status) == 0 else { throw fault("look at", from) }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: count += try copy(from, to: to)
            case S_IFREG:
                try copyFile(from, to, size: Int64(status.st_size), mode: status.st_mode & 0o777)
                count += 1
            default: break
            }
        }
        let made = Descriptor(open(destination, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        guard made.number >= 0, fsync(made.number) == 0 else { throw fault("write", destination) }
        return count
    }

    private static func copyFile(_ from: String, _ to: String, size: Int64, mode: mode_t) throws(Fault) {
        let source = Descriptor(open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC))
        guard source.number >= 0 else { throw fault("read", from) }
        let target = Descriptor(open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode))
        guard target.number >= 0 else { throw fault("make", to) }
        do throws(SystemError) {
            _ = try FileCopy.copy(from: source.number, to: target.number, size: size, path: to)
        } catch {
            throw Fault(message: "\(error)")
        }
        guard fsync(target.number) == 0 else { throw fault("write", to) }
    }

    private static func fault(_ doing: String, _ path: String) -> Fault {
        Fault(message: "cannot \(doing) \(path): \(String(cString: strerror(errno)))")
    }
}
