import Columnar
import CLinux
import Glibc

/// The input of a conversion.
enum RecordInput {
    /// Opens a file, or the standard input for `-`. What cannot be read twice (a pipe) is kept in a temporary file
    /// first: a conversion begins anew where a late value needs a wider type.
    static func open(_ path: String) throws -> FileSource {
        try FileCheck.readable(path)
        let descriptor = path == "-" ? 0 : Glibc.open(path, O_RDONLY | O_CLOEXEC)
        let name = path == "-" ? "the standard input" : path
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else { return try FileSource(path: path) }
        defer { if descriptor > 0 { close(descriptor) } }
        if [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) {
            return descriptor == 0 ? FileSource(descriptor: 0, name: name) : try FileSource(path: path)
        }
        return FileSource(descriptor: try copied(descriptor, name), name: name)
    }

    /// A file without a name, which goes with this process.
    private static func copied(_ descriptor: CInt, _ name: String) throws(Failure) -> CInt {
        let folder = Paths.temporaryFolder
        var template = Array("\(folder)/sluice-input-XXXXXX".utf8CString)
        let copy = mkstemp(&template)
        guard copy >= 0 else { throw .system("cannot make a temporary file in \(folder)") }
        unlink(template)
        _ = fcntl(copy, F_SETFD, FD_CLOEXEC)
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .file("read", name) }
            if count == 0 { break }
            var rest = buffer[..<count]
            while !rest.isEmpty {
                let done = rest.withUnsafeBytes { write(copy, $0.baseAddress, $0.count) }
                if done < 0, errno == EINTR { continue }
                guard done > 0 else {
                    throw .system("cannot keep \(name) in \(folder)", hint: "name another in $TMPDIR")
                }
                rest = rest.dropFirst(done)
            }
        }
        lseek(copy, 0, SEEK_SET)
        return copy
    }
}
