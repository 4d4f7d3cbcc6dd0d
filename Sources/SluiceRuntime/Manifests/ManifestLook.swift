import Crypto
import Glibc
import Journal
import ObjectStore

/// Compares the files of a manifest with what is there. Blocking: reads files whose hash the manifest gives.
enum ManifestLook {
    /// What is not as the manifest says, one sentence a file, in the order of the manifest.
    static func missing(_ manifest: OpenManifest, journal: any JournalStore, buckets: BucketSet) -> [String] {
        manifest.files.compactMap { file in
            let name = "\(file.bucket)/\(file.key)"
            guard let bucket = buckets[file.bucket] else { return "\(name): there is no bucket \(file.bucket)" }
            do {
                guard let known = try journal.object(bucket: file.bucket, key: file.key) else {
                    return "\(name): has not arrived"
                }
                if let size = file.size, known.size != size {
                    return "\(name): has \(known.size) bytes instead of \(size)"
                }
                guard let wanted = file.sha256 else { return nil }
                let found = try FileDigest.sha256(of: file.key, in: bucket)
                return found == wanted ? nil : "\(name): its SHA-256 is \(found) instead of \(wanted)"
            } catch {
                let reason = (error as? Manifest.Invalid)?.message ?? (error as? ObjectStoreError)?.message
                return "\(name): \(reason ?? "\(error)")"
            }
        }
    }
}

/// Reading files from their beginning to their end. Blocking.
enum FileDigest {
    /// In hexadecimal.
    static func sha256(of key: String, in bucket: Bucket) throws -> String {
        let opened = try bucket.open(key)
        defer { close(opened.descriptor) }
        var hash = SHA256()
        try chunks(of: opened.descriptor) { hash.update(data: $0) }
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    static func chunks(of descriptor: Int32, _ body: (ArraySlice<UInt8>) -> Void) throws {
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw Manifest.Invalid(message: "the file cannot be read: \(String(cString: strerror(errno)))")
            }
            if count == 0 { return }
            body(buffer[..<count])
        }
    }
}
