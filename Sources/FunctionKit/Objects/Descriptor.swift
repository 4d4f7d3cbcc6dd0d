import Glibc
import Synchronization

/// An open file that is closed once: when asked, or with its last owner.
final class Descriptor: Sendable {
    private let number: Mutex<Int32?>

    /// Takes over an open descriptor.
    init(_ number: Int32) { self.number = Mutex(number) }

    deinit { close() }

    func close() {
        let open = number.withLock { number in
            defer { number = nil }
            return number
        }
        if let open { _ = Glibc.close(open) }
    }

    /// The descriptor, which must not be used once `self` is gone or closed. Throws `IOFailed` when it is closed.
    func get(_ what: String) throws(HostRefusal) -> Int32 {
        guard let open = number.withLock({ $0 }) else {
            throw HostRefusal(code: .ioFailed, message: "\(what) was closed before")
        }
        return open
    }

    /// Reads up to `count` bytes at `offset`; fewer only at the end of the file.
    func read(_ count: Int, at offset: Int64, of what: String) throws(HostRefusal) -> [UInt8] {
        let number = try get(what)
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = pread(number, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset) + filled)
                if got > 0 {
                    filled += got
                } else if got == 0 || errno != EINTR {
                    failure = got == 0 ? 0 : errno
                    break
                }
            }
        }
        if failure != 0 { throw Self.refusal(failure, "reading \(what)") }
        withExtendedLifetime(self) {}
        return bytes
    }

    /// Writes everything at the descriptor's position.
    func write(_ bytes: UnsafeRawBufferPointer, to what: String) throws(HostRefusal) {
        let number = try get(what)
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(number, bytes.baseAddress.map { $0 + done }, bytes.count - done)
            if count >= 0 {
                done += count
            } else if errno != EINTR {
                throw Self.refusal(errno, "writing \(what)")
            }
        }
        withExtendedLifetime(self) {}
    }

    private static func refusal(_ code: Int32, _ doing: String) -> HostRefusal {
        let reason = String(cString: strerror(code))
        switch code {
        case ENOSPC, EDQUOT:
            return HostRefusal(
                code: .noSpace, message: "\(doing) failed: \(reason); free some space or raise the limit", retry: true)
        case EFBIG:
            // RLIMIT_FSIZE of the worker, which is the attempt's quota.
            return HostRefusal(
                code: .stagingQuotaExceeded,
                message: "\(doing) failed: the file is larger than an attempt may stage; raise stagingSize in "
                    + "function.yaml and redrive", retry: false)
        default: return HostRefusal(code: .ioFailed, message: "\(doing) failed: \(reason)", retry: true)
        }
    }
}
