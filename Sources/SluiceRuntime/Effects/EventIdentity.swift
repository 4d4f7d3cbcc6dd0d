import Crypto

/// Names that follow from what they name.
package enum EventIdentity {
    /// SHA-256 over the parts (each ended by a zero byte), in hexadecimal.
    package static func hash(_ parts: String...) -> String { hash(parts) }

    /// An event id in the form of a UUID (version 8, RFC 9562: custom) from the parts' SHA-256.
    package static func derived(from parts: String...) -> String {
        let hex = Array(hash(parts))
        func part(_ range: Range<Int>) -> String { String(hex[range]) }
        return "\(part(0..<8))-\(part(8..<12))-8\(part(13..<16))-a\(part(17..<20))-\(part(20..<32))"
    }

    private static func hash(_ parts: [String]) -> String {
        var hash = SHA256()
        for part in parts {
            hash.update(data: Array(part.utf8))
            hash.update(data: [0])
        }
        return hash.finalize().hexadecimal
    }
}
