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

    /// How far a file has been read.
    private struct Part {
        var stamp: ObjectStamp
        var sequencer: String
        var hash = SHA256()
        var offset: Int64 = 0
    }

    private struct State {
        var known: [ObjectAddress: Known] = [:]
        var parts: [ObjectAddress: Part] = [:]
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

    /// Reads on in the file unless that version is known: at most `bytes`, which then has what is left of them. Nil:
    /// there is more to read. Blocking.
    package func read(_ object: ObjectRecord, in bucket: Bucket, bytes: inout Int64) throws -> String? {
        if let known = known(object) { return known }
        guard bytes > 0 else { return nil }
        let opened = try bucket.open(object.key)
        defer { close(opened.descriptor) }
        let address = ObjectAddress(bucket: object.bucket, key: object.key)
        var part = Part(stamp: opened.stamp, sequencer: object.sequencer)
        if let begun = state.withLock({ $0.parts.removeValue(forKey: address) }), begun.stamp == opened.stamp,
            begun.sequencer == object.sequencer
        {
            part = begun
        }
        let isAtEnd = try FileChunks.read(opened.descriptor, of: address, from: part.offset) { chunk in
            guard !state.withLock({ $0.isStopped }) else { throw Manifest.Invalid(message: "the host is stopping") }
            part.hash.update(data: chunk)
            part.offset += Int64(chunk.count)
            bytes -= Int64(chunk.count)
            return bytes > 0
        }
        guard isAtEnd else {
            state.withLock { $0.parts[address] = part }
            return nil
        }
        let digest = part.hash.finalize().hexadecimal
        // A file that is not what the index says is about to be another version.
        if opened.stamp == object.stamp {
            state.withLock { $0.known[address] = Known(sequencer: object.sequencer, digest: digest) }
        }
        return digest
    }

    /// Nobody waits for these any more.
    package func forget(_ addresses: [ObjectAddress]) {
        guard !addresses.isEmpty else { return }
        state.withLock { state in
            for address in addresses {
                state.known[address] = nil
                state.parts[address] = nil
            }
        }
    }

    /// Gives up what is being read.
    package func stop() {
        state.withLock { $0.isStopped = true }
    }
}

/// Reading files from their beginning to their end. Blocking.
package enum FileChunks {
    /// Throws an `ObjectStoreError` that may pass where the disk gives an error: what the file says is not known then.
    /// - Parameters:
    ///   - object: whose file it is, for that error.
    ///   - body: false ends it.
    /// - Returns: whether the end was reached.
    package static func read(
        _ descriptor: Int32, of object: ObjectAddress, from offset: Int64 = 0,
        _ body: (ArraySlice<UInt8>) throws -> Bool
    ) throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var offset = offset
        while true {
            let count = pread(descriptor, &buffer, buffer.count, Int(offset))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                let number = errno
                throw ObjectStoreError(
                    .inputOutput, "the file cannot be read: \(String(cString: strerror(number)))",
                    bucket: object.bucket,
                    key: object.key, errno: number)
            }
            if count == 0 { return true }
            offset += Int64(count)
            guard try body(buffer[..<count]) else { return false }
        }
    }
}
