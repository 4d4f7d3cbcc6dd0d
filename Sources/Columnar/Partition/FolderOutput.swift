import CLinux
import Glibc

/// Files in folders of the file system. They are written into a hidden folder beside the destination, which takes its
/// place when everything is complete: so a failure leaves nothing behind, and nobody reads half a table.
public final class FolderOutput: PartitionedOutput {
    private let folder: String
    private let staging: String
    /// Paths by their bytes: names of the same characters may differ in them.
    private var made: Set<[UInt8]> = []
    private var isPublished = false

    /// - Throws: `WriteFailed` where the destination exists and is no empty folder, or cannot be made.
    public init(path: String) throws(ColumnarError) {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        folder = path
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { String(path[...$0]) } ?? ""
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        staging = "\(parent).\(name).\(getpid()).partial"
        var status = stat()
        if stat(path, &status) == 0 {
            // An empty folder gives way to the new one; any other refuses.
            guard status.st_mode & S_IFMT == S_IFDIR, Self.isEmpty(path) else {
                throw ColumnarError(
                    .writeFailed,
                    "\(path) exists already and is not an empty folder. Remove it, or choose another place.")
            }
        }
        try make(staging)
    }

    deinit {
        if !isPublished { Self.remove(staging) }
    }

    public func begin(_ file: PartitionFile) throws(ColumnarError) -> any ByteSink {
        var path = staging
        for part in file.path.split(separator: "/") {
            guard part.utf8.count <= 255 else {
                throw ColumnarError(
                    .limitExceeded,
                    "The value of a partition makes a folder name of \(part.utf8.count) bytes, and a file system takes 255: "
                        + "\"\(part.prefix(60))…\". Partition by another column.", text: String(part.prefix(200)))
            }
            path += "/" + part
            if made.insert(Array(path.utf8)).inserted { try make(path) }
        }
        return try FileSink(path: "\(path)/\(file.name)")
    }

    public func complete(_ file: PartitionFile) throws(ColumnarError) {}

    public func reset() throws(ColumnarError) {
        Self.remove(staging)
        made = []
        try make(staging)
    }

    /// Gives the files their place. Call it once, when the conversion has returned.
    public func publish() throws(ColumnarError) {
        // An empty folder is replaced, any other one is not: rename(2).
        guard rename(staging, folder) == 0 else {
            throw ColumnarError(.writeFailed, "Cannot rename \(staging) to \(folder): \(systemMessage(errno)).")
        }
        isPublished = true
    }

    private func make(_ path: String) throws(ColumnarError) {
        guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
            throw ColumnarError(.writeFailed, "Cannot make the folder \(path): \(systemMessage(errno)).")
        }
    }

    private static func isEmpty(_ path: String) -> Bool { names(path).isEmpty }

    private static func names(_ path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes what this object made: plain files and folders.
    private static func remove(_ path: String) {
        for name in names(path) where unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
        rmdir(path)
    }
}
