import CLinux
import Glibc
import Synchronization

/// A bucket's folder belongs to one host: two of them would take each other's staged files and kept inputs for what a
/// crash has left, and remove them. The kernel lets go of the lock when the process ends, however it ends.
final class BucketLock: Sendable {
    enum Answer {
        case taken(BucketLock)
        /// With what the other one has written down of itself.
        case held(by: String)
        /// There are no locks there, for that reason.
        case none(String)
    }

    /// The locked file, which says whose it is.
    static let file = ".sluice/lock"

    private struct Reference {
        weak var lock: BucketLock?
    }

    /// What this process holds. A bucket that was closed is still somebody's as long as an invocation stages there; one
    /// that is opened in the same folder meanwhile goes on with its lock.
    private static let own = Mutex<[Reference]>([])

    private let owner: String
    private let descriptor: Mutex<Int32>
    private let stamp: FolderStamp

    private init(_ descriptor: Int32, owner: String) {
        self.owner = owner
        stamp = FolderStamp(descriptor: descriptor)
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    func release() {
        descriptor.withLock { number in
            if number >= 0 { close(number) }
            number = -1
        }
    }

    /// Whether it is the one of the folder that `root` has open.
    func isHeld(in root: Int32) -> Bool {
        guard let there = try? Descriptor.open(beneath: root, Self.file, flags: clinux_o_path | O_NOFOLLOW) else {
            return false
        }
        return descriptor.withLock { $0 >= 0 } && FolderStamp(descriptor: there.number) == stamp
    }

    /// - Parameter patience: for so many milliseconds it is asked again whether the other one, which may be ending, has
    ///   let it go.
    static func take(in root: Int32, owner: String, patience: Int) -> Answer {
        let held = own.withLock { references in
            references.removeAll { $0.lock == nil }
            return references.compactMap(\.lock)
        }
        if let lock = held.first(where: { $0.owner == owner && $0.isHeld(in: root) }) { return .taken(lock) }
        var left = patience
        // Whoever removes the file between two steps leaves a lock on what nobody else will find.
        for _ in 0..<100 + patience {
            let number: Int32
            do throws(SystemError) {
                number = try Descriptor.open(
                    beneath: root, file, flags: O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600
                ).release()
            } catch {
                return .none("\(file): \(error.reason)")
            }
            let lock = BucketLock(number, owner: owner)
            if flock(number, LOCK_EX | LOCK_NB) != 0 {
                if errno == EINTR { continue }
                guard errno == EWOULDBLOCK else { return .none(SystemError.last("flock", file).reason) }
                guard left > 0 else { return .held(by: text(of: number)) }
                left -= 5
                usleep(5000)
                continue
            }
            guard lock.isHeld(in: root) else { continue }
            let text = Array("\(owner)\n".utf8)
            _ = ftruncate(number, 0)
            _ = text.withUnsafeBytes { pwrite(number, $0.baseAddress, $0.count, 0) }
            own.withLock { $0.append(Reference(lock: lock)) }
            return .taken(lock)
        }
        return .none("\(file) is removed again and again")
    }

    private static func text(of number: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = pread(number, &bytes, bytes.count, 0)
        let line = bytes.prefix(max(count, 0)).prefix { $0 >= UInt8(ascii: " ") }
        return line.isEmpty ? "another host" : String(decoding: line, as: UTF8.self)
    }
}

extension Bucket {
    /// Why others cannot be kept out of the bucket's folder; nil: they are, or nobody asked for it.
    package var lockWarning: String? { state.withLock { $0.lockWarning } }

    /// Lets another host have the folder: to be called when nothing of this one goes on there.
    package func releaseLock() {
        state.withLock { state in
            state.lock?.release()
            state.lock = nil
        }
    }

    /// Takes the folder for this host, or goes on with the lock that it has there; why it is another one's. Where there
    /// are no locks is told of a bucket that can be written.
    func takeLock(patience: Int = 0, isWritable: Bool = true) -> ObjectStoreError? {
        guard let owner, root >= 0 else { return nil }
        switch BucketLock.take(in: root, owner: owner, patience: patience) {
        case .taken(let lock): state.withLock { ($0.lock, $0.lockWarning) = (lock, nil) }
        case .none(let reason):
            guard isWritable else { return nil }
            let warning =
                "\(path) cannot be locked (\(reason)): nothing keeps a second host out of it, and two of them would remove "
                + "each other's staged files"
            state.withLock { $0.lockWarning = warning }
        case .held(let other):
            return ObjectStoreError(
                .bucketInUse,
                "the folder \(path) is in use by \(other): two hosts would remove each other's staged files and kept "
                    + "inputs. Stop that host, or give the bucket another folder (`path` in sluice.yaml)",
                bucket: name, path: path)
        }
        return nil
    }

    /// Whether what seems to be left by a crash is no other host's.
    var isOwn: Bool { owner == nil || state.withLock { $0.lock != nil || $0.lockWarning != nil } }
}
