import CLinux
import Glibc

/// Walks a bucket's objects in the order of their keys' bytes, one folder's names in memory at a time per level.
///
/// A folder sorts as its name with `/` behind, so the order is that of whole keys: `a-b` before `a/b`, as in the
/// journal's index, with which a scan merges this. Hidden and ignored names are left out; what cannot be an object is
/// reported to `refused`.
final class TreeWalk {
    /// Called with each folder (path without `/` at the end) once it is open and before its names are read: a watch
    /// set here misses nothing that the listing does not show.
    var entered: (_ folder: String, _ descriptor: Int32) -> Void = { _, _ in }
    /// Called with what cannot be an object, and why.
    var refused: (_ path: String, _ reason: String) -> Void = { _, _ in }
    /// Called with the key of what could not be looked at here, for a disk's or the host's reasons.
    var unclear: (_ key: String) -> Void = { _ in }

    /// Called with a folder that was not told whole, for a disk's reasons: it is to be looked through again, and of
    /// what is missing nothing may be concluded. nil: the walk fails instead.
    var unread: ((_ folder: String, _ error: SystemError) -> Void)?

    private struct Name {
        /// With `/` behind it if it is a folder.
        var sortable: [UInt8]
        var kind: FileStatus.Kind
    }

    private struct Frame {
        var descriptor: Int32
        /// The folder's path with `/` behind, or empty.
        var path: [UInt8]
        var names: [Name]
        var next: Int
    }

    private let root: Int32
    private let bucket: String
    private let ignore: IgnoreRules
    private let look: FolderLook
    private let prefix: [UInt8]
    private let after: [UInt8]?
    private var frames: [Frame] = []
    private var started = false

    /// Walks the keys that begin with `prefix` and follow `after`.
    init(bucket: Bucket, prefix: String, after: String? = nil) throws(SystemError) {
        root = bucket.root
        self.bucket = bucket.name
        ignore = bucket.configuration.ignore
        look = bucket.folderLook
        self.prefix = Array(prefix.utf8)
        self.after = after.map { Array($0.utf8) }
    }

    deinit {
        for frame in frames { close(frame.descriptor) }
    }

    /// Goes on behind a folder that is no longer under its name: what it is open on is somewhere else now.
    func leave(_ folder: String) {
        let path = Array(folder.utf8) + [UInt8(ascii: "/")]
        while let top = frames.last, top.path.starts(with: path) {
            close(top.descriptor)
            frames.removeLast()
        }
    }

    func next() throws(SystemError) -> ListedObject? {
        if !started {
            started = true
            try start()
        }
        while let top = frames.indices.last {
            guard frames[top].next < frames[top].names.count else {
                close(frames[top].descriptor)
                frames.removeLast()
                continue
            }
            let name = frames[top].names[frames[top].next]
            frames[top].next += 1
            if let found = try visit(name, in: top) { return found }
        }
        return nil
    }

    private func start() throws(SystemError) {
        let slash = UInt8(ascii: "/")
        var folder: [UInt8] = []
        if let last = prefix.lastIndex(of: slash) { folder = Array(prefix[...last]) }
        for part in folder.split(separator: slash, omittingEmptySubsequences: false).dropLast() {
            // Nothing below such a folder is an object.
            if part.isEmpty || part.first == UInt8(ascii: ".") || part.contains(0) || ignore.ignores(folderName: part) {
                return
            }
        }
        let path = String(decoding: folder.dropLast(), as: UTF8.self)
        do throws(SystemError) {
            try enter(try Descriptor.open(beneath: root, path, flags: O_RDONLY | O_DIRECTORY), folder)
        } catch {
            if error.isMissing || error.errno == ELOOP { return }
            throw error
        }
    }

    private func visit(_ name: Name, in top: Int) throws(SystemError) -> ListedObject? {
        let full = frames[top].path + name.sortable
        if let after, !after.lexicographicallyPrecedes(full), !(name.kind == .folder && after.starts(with: full)) {
            return nil
        }
        if !full.starts(with: prefix), !(name.kind == .folder && prefix.starts(with: full)) { return nil }
        if full.count > ObjectKey.maximumBytes {
            refused(String(decoding: full, as: UTF8.self), "the path is longer than \(ObjectKey.maximumBytes) bytes")
            return nil
        }
        switch name.kind {
        case .folder:
            if ignore.ignores(folderName: name.sortable.dropLast()) { return nil }
            do throws(SystemError) {
                let path = String(decoding: name.sortable.dropLast(), as: UTF8.self)
                try enter(
                    try Descriptor.open(beneath: frames[top].descriptor, path, flags: O_RDONLY | O_DIRECTORY), full)
            } catch {
                // Gone or replaced meanwhile: its event follows. Otherwise somebody must know.
                if !error.isMissing, error.errno != ELOOP {
                    let isRefusal = error.errno == EACCES || error.errno == EPERM
                    if error.errno == EMFILE || error.errno == ENFILE || error.errno == ENOMEM { throw error }
                    if unread == nil, !isRefusal { throw error }
                    refused(String(decoding: full, as: UTF8.self), "the folder cannot be read: \(error.reason)")
                    // Who corrects permissions is heard; a disk that can be read again says nothing.
                    if !isRefusal { unread?(String(decoding: full.dropLast(), as: UTF8.self), error) }
                }
            }
            return nil
        case .regular:
            let key = String(decoding: full, as: UTF8.self)
            if ignore.ignores(key: key) { return nil }
            var raw = stat()
            let text = name.sortable + [0]
            let result = text.withUnsafeBufferPointer { bytes in
                bytes.withMemoryRebound(to: CChar.self) { name -> Int32 in
                    guard let start = name.baseAddress else { return -1 }
                    return fstatat(frames[top].descriptor, start, &raw, AT_SYMLINK_NOFOLLOW)
                }
            }
            if result != 0 {
                if !SystemError.last("stat", key).isMissing { unclear(key) }
                return nil
            }
            let status = FileStatus(raw)
            return status.kind == .regular ? ListedObject(key: key, stamp: status.stamp) : nil
        case .symbolicLink, .other:
            if !ignore.ignores(key: String(decoding: full, as: UTF8.self)) {
                refused(String(decoding: full, as: UTF8.self), RefusedReason.of(name.kind))
            }
            return nil
        }
    }

    private func enter(_ folder: consuming Descriptor, _ path: [UInt8]) throws(SystemError) {
        let text = String(decoding: path.dropLast(), as: UTF8.self)
        entered(text, folder.number)
        var names: [Name] = []
        var untold: SystemError?
        for entry in try FolderListing.entries(of: folder.number, path: text) {
            if entry.name.first == UInt8(ascii: ".") { continue }
            guard String(validating: entry.name, as: UTF8.self) != nil else {
                refused(String(decoding: path + entry.name, as: UTF8.self), RefusedReason.notUTF8)
                continue
            }
            var kind = look.listsKinds ? entry.kind : nil
            if kind == nil {
                do throws(SystemError) {
                    kind = try look.kind(of: entry.name, in: folder.number)
                } catch {
                    // A file or a folder? To guess wrong would be to overlook all that is in it.
                    if unread == nil || error.errno == EMFILE || error.errno == ENFILE || error.errno == ENOMEM {
                        throw error
                    }
                    untold = error
                }
            }
            guard let kind else { continue }
            names.append(
                Name(sortable: kind == .folder ? entry.name + [UInt8(ascii: "/")] : entry.name, kind: kind))
        }
        if let untold { unread?(text, untold) }
        names.sort { $0.sortable.lexicographicallyPrecedes($1.sortable) }
        frames.append(Frame(descriptor: folder.release(), path: path, names: names, next: 0))
    }
}

/// How a walk reads folders: the system's way, or a test's.
package struct FolderLook: Sendable {
    /// Whether the file system lists what kind of file a name is of.
    var listsKinds = true
    /// For a name of which it does not.
    var fault: (@Sendable (_ name: String) -> Int32?)?

    static let system = FolderLook()

    /// For tests: a file system that lists no kinds, and fails for the names for which `fault` has an error number.
    package static func unlisted(_ fault: @escaping @Sendable (_ name: String) -> Int32?) -> FolderLook {
        FolderLook(listsKinds: false, fault: fault)
    }

    /// nil: it is gone.
    func kind(of name: [UInt8], in folder: Int32) throws(SystemError) -> FileStatus.Kind? {
        let path = String(decoding: name, as: UTF8.self)
        if let errno = fault?(path) { throw SystemError(errno, "stat", path) }
        do throws(SystemError) {
            return try Descriptor.open(beneath: folder, path, flags: clinux_o_path | O_NOFOLLOW).status(path).kind
        } catch {
            if error.isMissing { return nil }
            throw error
        }
    }
}

/// Why something in a bucket is not an object, as `doctor` shows it.
enum RefusedReason {
    static let notUTF8 = "the name is not UTF-8"

    static func of(_ kind: FileStatus.Kind) -> String {
        switch kind {
        case .symbolicLink: "a symbolic link; objects are regular files"
        case .folder: "a folder is in the place of an object"
        case .regular, .other: "not a regular file (a FIFO, socket or device)"
        }
    }
}
