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

    private let descriptor: Mutex<Int32>
    private let stamp: FolderStamp

    private init(_ descriptor: Int32) {
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

    static func take(in root: Int32, owner: String) -> Answer {
        // Whoever removes the file between two steps leaves a lock on what nobody else will find.
        for _ in 0..<100 {
            let number: Int32
            do throws(SystemError) {
                number = try Descriptor.open(
                    beneath: root, file, flags: O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600
                ).release()
            } catch {
                return .none("\(file): \(error.reason)")
            }
            let lock = BucketLock(number)
            if flock(number, LOCK_EX | LOCK_NB) != 0 {
                if errno == EINTR { continue }
                return errno == EWOULDBLOCK
                    ? .held(by: text(of: number)) : .none(SystemError.last("flock", file).reason)
            }
            guard lock.isHeld(in: root) else { continue }
            let text = Array("\(owner)\n".utf8)
            _ = ftruncate(number, 0)
            _ = text.withUnsafeBytes { pwrite(number, $0.baseAddress, $0.count, 0) }
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

    /// Takes the folder for this host, or goes on with what one of its buckets has taken; why it is another one's.
    func takeLock(orOneOf own: [Bucket]) -> ObjectStoreError? {
        guard let owner, root >= 0 else { return nil }
        for bucket in [self] + own {
            guard let taken = bucket.state.withLock({ $0.lock }), taken.isHeld(in: root) else { continue }
            state.withLock { $0.lock = taken }
            return nil
        }
        switch BucketLock.take(in: root, owner: owner) {
        case .taken(let lock): state.withLock { ($0.lock, $0.lockWarning) = (lock, nil) }
        case .none(let reason):
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
}
