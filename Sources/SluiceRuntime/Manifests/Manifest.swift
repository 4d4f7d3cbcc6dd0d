import FunctionJSON
import ObjectStore

/// What a manifest object says: the files that belong together.
package struct Manifest: Codable, Sendable, Hashable {
    /// One file that must be there.
    package struct File: Codable, Sendable, Hashable {
        package var bucket: String
        package var key: String
        /// In bytes; nil: any.
        package var size: Int64?
        /// In hexadecimal, lower case; nil: any content.
        package var sha256: String?

        package init(bucket: String, key: String, size: Int64? = nil, sha256: String? = nil) {
            self.bucket = bucket
            self.key = key
            self.size = size
            self.sha256 = sha256
        }
    }

    /// Why a manifest cannot be read.
    package struct Invalid: Error, Sendable, Hashable {
        package var message: String
    }

    /// Longer manifests are refused, in bytes.
    package static let maximumBytes: Int64 = 16 << 20
    /// Files of one manifest at most.
    package static let maximumFiles = 100_000

    /// In the order of the manifest; at least one.
    package var files: [File]

    package init(files: [File]) {
        self.files = files
    }

    /// Reads `{"files": [...]}`, where a file is a key or `{"key", "size", "sha256", "bucket"}` (as S3 Inventory writes
    /// it, too), or `{"entries": [{"url": "s3://bucket/key"}]}`, as Redshift writes it. A key that begins with `./` is
    /// beside the manifest, one may be written as `s3://bucket/key`; what names no bucket is in the manifest's.
    package init(_ bytes: [UInt8], bucket: String, key: String) throws(Invalid) {
        let root: JSONNode
        do throws(JSONError) {
            root = try JSONDocument(parsing: bytes).root
        } catch {
            throw Invalid(message: "the manifest is not JSON: \(error)")
        }
        let isFiles = root["files"]?.kind == .array
        guard let list = isFiles ? root["files"] : root["entries"], list.kind == .array else {
            throw Invalid(message: "the manifest has neither a list `files` nor a list `entries`")
        }
        guard (1...Self.maximumFiles).contains(list.count) else {
            throw Invalid(message: "the manifest names \(list.count) files; 1 to \(Self.maximumFiles) are allowed")
        }
        // By bytes: a mark that follows a slash is one character with it.
        let folder = key.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(decoding: key.utf8[...$0], as: UTF8.self) }
        var files: [File] = []
        for (index, node) in list.elements.enumerated() {
            var file = isFiles ? Self.file(node, bucket: bucket) : Self.entry(node)
            // As AWS names objects everywhere.
            if let place = file.flatMap({ Self.place(url: $0.key) }) {
                file?.bucket = place.bucket
                file?.key = place.key
            }
            if let beside = file?.key.utf8, beside.starts(with: "./".utf8) {
                file?.key = (folder ?? "") + String(decoding: beside.dropFirst(2), as: UTF8.self)
            }
            guard let file, !file.key.isEmpty, file.sha256.map(Self.isHash) ?? true, file.size ?? 0 >= 0 else {
                throw Invalid(
                    message: "file \(index + 1) of the manifest is neither a key nor an object with `key` and, if "
                        + "they are given, `size` (a number) and `sha256` (64 hexadecimal digits)")
            }
            files.append(file)
        }
        self.files = files
    }

    /// Entries that the message names.
    private static let maximumNamed = 20

    /// Throws where a file can never come, whatever is waited for.
    package func requirePossible(_ isBucket: (String) -> Bool) throws(Invalid) {
        var reasons: [String] = []
        for (index, file) in files.enumerated() {
            let reason =
                isBucket(file.bucket)
                ? ObjectKey.flaw(in: file.key).map { "the key \($0)" } : "there is no bucket \(file.bucket)"
            if let reason { reasons.append("file \(index + 1), \(file.bucket)/\(file.key): \(reason)") }
        }
        guard !reasons.isEmpty else { return }
        let more = reasons.count > Self.maximumNamed ? "; and \(reasons.count - Self.maximumNamed) more" : ""
        throw Invalid(
            message: "\(reasons.count) of its \(files.count) files can never come: "
                + reasons.prefix(Self.maximumNamed).joined(separator: "; ") + more)
    }

    private static func file(_ node: JSONNode, bucket: String) -> File? {
        if let key = node.string { return File(bucket: bucket, key: key) }
        guard let key = node["key"]?.string, let size = number(node["size"]) else { return nil }
        let hash = node["sha256"]
        guard hash == nil || hash?.string != nil else { return nil }
        return File(
            bucket: node["bucket"]?.string ?? bucket, key: key, size: size.value,
            sha256: hash?.string?.lowercased())
    }

    private static func entry(_ node: JSONNode) -> File? {
        guard let place = node["url"]?.string.flatMap(place), let size = number(node["meta"]?["content_length"])
        else { return nil }
        return File(bucket: place.bucket, key: place.key, size: size.value)
    }

    /// Of `s3://BUCKET/KEY`; nil for any other text.
    private static func place(url: String) -> (bucket: String, key: String)? {
        guard url.utf8.starts(with: "s3://".utf8) else { return nil }
        let parts = url.utf8.dropFirst(5).split(separator: UInt8(ascii: "/"), maxSplits: 1)
        guard parts.count == 2 else { return nil }
        return (String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self))
    }

    /// Nil for what is there and no number.
    private static func number(_ node: JSONNode?) -> (value: Int64?, Void)? {
        guard let node else { return (nil, ()) }
        return node.int64.map { ($0, ()) }
    }

    private static func isHash(_ text: String) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
