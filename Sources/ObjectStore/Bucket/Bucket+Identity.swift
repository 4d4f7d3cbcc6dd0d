import CLinux
import Glibc
import Synchronization

/// What tells a bucket's folder from every other: a number in `.sluice/id`. The folder's name does not: a disk that is
/// not mounted leaves another folder there, and two disks may change places.
extension Bucket {
    /// Holds the number, as text.
    static let identityFile = ".sluice/id"

    /// The number written in the folder at `path`; nil: there is none, or it cannot be read. Blocking.
    package static func identity(at path: String) -> String? {
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        return LinuxFileSystem(root: descriptor).identity
    }

    /// The folder's number; nil where nothing could be written yet.
    package var identity: String? { state.withLock { $0.identity } }

    /// Whether the folder is still where it was opened: not once it was moved, removed or unmounted, or something was
    /// mounted over it. What cannot be told counts as there. Blocking.
    package var isInPlace: Bool {
        var (opened, found) = (Glibc.stat(), Glibc.stat())
        guard root >= 0, fstat(root, &opened) == 0 else { return true }
        let there = Glibc.open(path, clinux_o_path | O_DIRECTORY | O_CLOEXEC)
        if there < 0 { return errno != ENOENT && errno != ENOTDIR }
        defer { close(there) }
        guard fstat(there, &found) == 0 else { return true }
        return found.st_dev == opened.st_dev && found.st_ino == opened.st_ino
    }

    /// Why the folder is not the one that is known; nil: it may be.
    func contradiction(of known: KnownFolder) -> String? {
        switch known {
        case .nothing: return nil
        case .objects: return !isMarked && Self.isEmpty(path) ? "it is empty" : nil
        case .marked: return isMarked ? nil : "it has no folder \(Self.ownFolder)"
        case .id(let id):
            guard isMarked else { return "it has no folder \(Self.ownFolder)" }
            guard let found = linuxFiles?.identity else { return "it has no \(Self.identityFile) that can be read" }
            return found == id ? nil : "its \(Self.identityFile) is another one's"
        }
    }

    /// Reads the folder's number, and gives it one where it has none: the one it had, if somebody has removed it.
    func makeIdentity() throws(SystemError) {
        guard let files = linuxFiles else { return }
        if let found = files.identity { return state.withLock { $0.identity = found } }
        let id = identity ?? Self.random()
        let made = "\(Self.ownFolder)/probe-id-\(getpid())-\(id)"
        defer { try? files.removeFile(made) }
        let file = Descriptor(try files.createFile(made, mode: 0o600))
        let text = Array("\(id)\n".utf8)
        guard text.withUnsafeBytes({ write(file.number, $0.baseAddress, $0.count) }) == text.count else {
            throw .last("write", made)
        }
        if fsync(file.number) != 0 { throw .last("fsync", made) }
        do throws(SystemError) {
            try files.rename(made, to: Self.identityFile, .noReplace)
        } catch {
            // A file that says nothing: by hand, or by a disk that was full.
            guard error.errno == EEXIST else { throw error }
            if files.identity == nil { try files.rename(made, to: Self.identityFile, .exchange) }
        }
        try files.syncFolder(Self.ownFolder)
        state.withLock { $0.identity = files.identity }
    }

    private static func random() -> String {
        (0..<2).map { _ in
            let digits = String(UInt64.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

/// A folder as the system knows it: the same one wherever it is moved to on its disk.
package struct FolderStamp: Codable, Sendable, Hashable {
    /// May differ after a reboot.
    package var device: UInt64
    package var inode: UInt64

    package init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }

    /// Zeros for what cannot be told.
    init(descriptor: Int32) {
        var status = Glibc.stat()
        let isKnown = fstat(descriptor, &status) == 0
        self.init(device: isKnown ? UInt64(status.st_dev) : 0, inode: isKnown ? UInt64(status.st_ino) : 0)
    }
}

extension LinuxFileSystem {
    fileprivate var identity: String? {
        guard let number = try? openFile(Bucket.identityFile) else { return nil }
        let file = Descriptor(number)
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = read(file.number, &bytes, bytes.count)
        let text = bytes.prefix(max(count, 0)).prefix { $0 > UInt8(ascii: " ") }
        return text.isEmpty ? nil : String(validating: text, as: UTF8.self)
    }
}
