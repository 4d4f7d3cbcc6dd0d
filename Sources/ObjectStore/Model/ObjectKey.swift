/// The rules for keys. A key is the path of a file below its bucket: parts separated by `/`, each at most 255 bytes,
/// together at most 1,024 (S3's limit), in UTF-8. A part that begins with `.` hides what is below it: such a path is
/// never an object, and publishing there is refused (`..` and Sluice's own `.sluice` are among them).
package enum ObjectKey {
    package static let maximumBytes = 1024
    package static let maximumPartBytes = 255

    /// Why `key` cannot be a key, in words that complete "the key …"; nil when it can.
    package static func flaw(in key: String) -> String? {
        flaw(in: Array(key.utf8))
    }

    static func flaw(in key: [UInt8]) -> String? {
        if key.isEmpty { return "is empty" }
        if key.count > maximumBytes { return "has \(key.count) bytes, more than \(maximumBytes)" }
        if key.contains(0) { return "contains a NUL byte" }
        if key.first == UInt8(ascii: "/") { return "begins with /" }
        if key.last == UInt8(ascii: "/") { return "ends with /" }
        for part in key.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            if part.isEmpty { return "has an empty part (//)" }
            if part.count > maximumPartBytes {
                return "has a part of \(part.count) bytes, more than \(maximumPartBytes)"
            }
            if part.first == UInt8(ascii: ".") {
                return part.count == 2 && part.last == UInt8(ascii: ".")
                    ? "has a part .." : "has a part that begins with a dot, which hides it"
            }
        }
        return nil
    }

    /// Throws `InvalidKey` when `key` cannot be one.
    package static func validate(_ key: String, bucket: String) throws(ObjectStoreError) {
        if let flaw = flaw(in: key) {
            throw ObjectStoreError(.invalidKey, "the key \"\(key)\" \(flaw)", bucket: bucket, key: key)
        }
    }

    /// The folder of a key or path: everything before its last `/`, empty at the top.
    static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
        return String(path[..<slash])
    }

    /// The part after the last `/`.
    static func name(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }
}

/// A key as a dictionary key, compared byte by byte: Swift's `String` takes "é" in one and in two scalars for equal,
/// where the file system (and the journal) see two names.
struct ByteKey: Hashable, Comparable, Sendable {
    let string: String

    init(_ string: String) {
        self.string = string
    }

    static func == (lhs: Self, rhs: Self) -> Bool { lhs.string.utf8.elementsEqual(rhs.string.utf8) }
    static func < (lhs: Self, rhs: Self) -> Bool { lhs.string.utf8.lexicographicallyPrecedes(rhs.string.utf8) }

    func hash(into hasher: inout Hasher) {
        var string = string
        string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension String {
    /// Byte by byte, unlike `hasPrefix`, which compares by canonical equivalence.
    func hasBytePrefix(_ prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }
    /// Byte by byte, unlike `==`.
    func isSameBytes(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
