import CLinux
import Glibc

/// The real one: everything through openat2 beneath the root's descriptor, so that neither `..` nor a symbolic link
/// somebody plants in a bucket leads out of it.
package final class LinuxFileSystem: FileSystem {
    /// Open on the bucket's root folder for as long as this lives.
    package let root: Int32

    /// `root` becomes this object's to close.
    package init(root: Int32) {
        self.root = root
    }

    deinit { close(root) }

    package func status(_ path: String) throws(SystemError) -> FileStatus {
        // With O_NOFOLLOW, O_PATH opens a symbolic link itself, which RESOLVE_NO_SYMLINKS allows.
        try Descriptor.open(beneath: root, path, flags: clinux_o_path | O_NOFOLLOW, call: "stat").status(path)
    }

    package func createFile(_ path: String, mode: UInt32) throws(SystemError) -> Int32 {
        try Descriptor.open(beneath: root, path, flags: O_RDWR | O_CREAT | O_EXCL, mode: mode, call: "create").release()
    }

    package func openFile(_ path: String) throws(SystemError) -> Int32 {
        // Looked at before it is opened: opening a device can do things.
        let found = try status(path)
        switch found.kind {
        case .regular: break
        case .folder: throw SystemError(EISDIR, "open", path)
        case .symbolicLink: throw SystemError(ELOOP, "open", path)
        case .other: throw SystemError(ENXIO, "open", path)
        }
        let file = try Descriptor.open(beneath: root, path, flags: O_RDONLY | O_NONBLOCK | O_NOCTTY)
        if try file.status(path).kind != .regular { throw SystemError(ENXIO, "open", path) }
        return file.release()
    }

    package func setMode(_ path: String, _ mode: UInt32) throws(SystemError) {
        let file = Descriptor(try openFile(path))
        if fchmod(file.number, mode_t(mode)) != 0 { throw .last("chmod", path) }
    }

    package func syncFile(_ path: String) throws(SystemError) {
        let file = Descriptor(try openFile(path))
        if fsync(file.number) != 0 { throw .last("fsync", path) }
    }

    package func syncFolder(_ path: String) throws(SystemError) {
        let folder = try Descriptor.open(beneath: root, path, flags: O_RDONLY | O_DIRECTORY)
        if fsync(folder.number) != 0 { throw .last("fsync", path) }
    }

    package func makeFolder(_ path: String, mode: UInt32) throws(SystemError) {
        let parent = try parentFolder(of: path)
        if mkdirat(parent.number, ObjectKey.name(of: path), mode_t(mode)) != 0 { throw .last("mkdir", path) }
    }

    package func rename(_ from: String, to: String, _ how: RenameKind) throws(SystemError) {
        let source = try parentFolder(of: from)
        let target = try parentFolder(of: to)
        let flags =
            switch how {
            case .noReplace: UInt32(CLINUX_RENAME_NOREPLACE)
            case .exchange: UInt32(CLINUX_RENAME_EXCHANGE)
            }
        let result = clinux_renameat2(
            source.number, ObjectKey.name(of: from), target.number, ObjectKey.name(of: to), flags)
        if result != 0 { throw .last("rename", to) }
    }

    package func removeFile(_ path: String) throws(SystemError) {
        let parent = try parentFolder(of: path)
        if unlinkat(parent.number, ObjectKey.name(of: path), 0) != 0 { throw .last("unlink", path) }
    }

    package func removeFolder(_ path: String) throws(SystemError) {
        let parent = try parentFolder(of: path)
        if unlinkat(parent.number, ObjectKey.name(of: path), AT_REMOVEDIR) != 0 { throw .last("rmdir", path) }
    }

    package func names(in folder: String) throws(SystemError) -> [String] {
        let descriptor = try Descriptor.open(beneath: root, folder, flags: O_RDONLY | O_DIRECTORY)
        return try FolderListing.entries(of: descriptor.number, path: folder).map {
            String(decoding: $0.name, as: UTF8.self)
        }
    }

    package func sample(_ path: String) throws(SystemError) -> UInt64 {
        let file = Descriptor(try openFile(path))
        return try SampledHash.hash(file.number, size: try file.status(path).stamp.size, path: path)
    }

    package func writers(_ path: String) throws(SystemError) -> WriterState {
        let file = Descriptor(try openFile(path))
        return FileLease.writers(file.number)
    }

    /// Gives the file behind `descriptor` the name `path` as well.
    func link(_ descriptor: Int32, to path: String) throws(SystemError) {
        let parent = try parentFolder(of: path)
        if clinux_link_descriptor(descriptor, parent.number, ObjectKey.name(of: path)) != 0 {
            throw .last("link", path)
        }
    }

    private func parentFolder(of path: String) throws(SystemError) -> Descriptor {
        try Descriptor.open(
            beneath: root, ObjectKey.folder(of: path), flags: clinux_o_path | O_DIRECTORY, call: "open folder of")
    }
}

/// The names in a folder.
enum FolderListing {
    struct Entry {
        var name: [UInt8]
        /// nil: the file system does not say; ask for the status.
        var kind: FileStatus.Kind?
    }

    /// All entries but `.` and `..`, unsorted. `folder` stays open, its read position moves.
    static func entries(of folder: Int32, path: String) throws(SystemError) -> [Entry] {
        let duplicate = fcntl(folder, F_DUPFD_CLOEXEC, 0)
        if duplicate < 0 { throw .last("list", path) }
        guard let stream = fdopendir(duplicate) else {
            let error = SystemError.last("list", path)
            close(duplicate)
            throw error
        }
        defer { closedir(stream) }
        // The position is shared with `folder`, which may have been listed before.
        rewinddir(stream)
        var entries: [Entry] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw .last("list", path) }
                return entries
            }
            guard let text = clinux_entry_name(entry) else { continue }
            let name = Array(UnsafeBufferPointer(start: text, count: strlen(text)).lazy.map { UInt8(bitPattern: $0) })
            if name == [UInt8(ascii: ".")] || name == Array("..".utf8) { continue }
            let kind: FileStatus.Kind? =
                switch Int(clinux_entry_type(entry)) {
                case Int(DT_REG): .regular
                case Int(DT_DIR): .folder
                case Int(DT_LNK): .symbolicLink
                case Int(DT_UNKNOWN): nil
                default: .other
                }
            entries.append(Entry(name: name, kind: kind))
        }
    }
}
