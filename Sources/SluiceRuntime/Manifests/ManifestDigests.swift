import Crypto
package import FunctionProtocol
import Glibc
package import Journal
package import ObjectStore
import Synchronization

/// The SHA-256 of files that manifests name, in hexadecimal: each version of a file is read once, however often its
/// manifest is looked at.
package final class ManifestDigests: Sendable {
    private struct Known {
        var sequencer: String
        var digest: String
    }

    private struct State {
        var known: [ObjectAddress: Known] = [:]
        var isStopped = false
    }

    private let state = Mutex(State())

    package init() {}

    /// Of a version that was read before.
    package func known(_ object: ObjectRecord) -> String? {
        let address = ObjectAddress(bucket: object.bucket, key: object.key)
        return state.withLock { state in
            guard let known = state.known[address], known.sequencer == object.sequencer else { return nil }
            return known.digest
        }
    }

    /// Reads the file unless that version is known. Blocking, for as long as the file is long.
    package func read(_ object: ObjectRecord, in bucket: Bucket) throws -> String {
        if let known = known(object) { return known }
        let opened = try bucket.open(object.key)
        defer { close(opened.descriptor) }
        var hash = SHA256()
        try FileChunks.read(opened.descriptor) { bytes in
            guard !state.withLock({ $0.isStopped }) else { throw Manifest.Invalid(message: "the host is stopping") }
            hash.update(data: bytes)
        }
        let digits = Array("0123456789abcdef".utf8)
        let digest = String(
            decoding: hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
        // A file that is not what the index says is about to be another version.
        if opened.stamp == object.stamp {
            let address = ObjectAddress(bucket: object.bucket, key: object.key)
            state.withLock { $0.known[address] = Known(sequencer: object.sequencer, digest: digest) }
        }
        return digest
    }

    /// Nobody waits for these any more.
    package func forget(_ addresses: [ObjectAddress]) {
        guard !addresses.isEmpty else { return }
        state.withLock { state in
            for address in addresses { state.known[address] = nil }
        }
    }

    /// Gives up what is being read.
    package func stop() {
        state.withLock { $0.isStopped = true }
    }
}

/// Reading files from their beginning to their end. Blocking.
enum FileChunks {
    static func read(_ descriptor: Int32, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw Manifest.Invalid(message: "the file cannot be read: \(String(cString: strerror(errno)))")
            }
            if count == 0 { return }
            try body(buffer[..<count])
        }
    }
}
