/// What names may look like.
enum Names {
    static let bucketRule = "3 to 63 lower-case letters, digits, dots and hyphens, a letter or digit at both ends"
    static let ruleRule = "1 to 64 letters, digits, dots, hyphens and underscores"
    static let streamRule = "1 to 128 letters, digits, dots, hyphens and underscores"

    /// As S3 has it: 3 to 63 lower-case letters, digits, dots and hyphens, a letter or digit at both ends.
    static func isBucket(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard (3...63).contains(bytes.count), bytes.allSatisfy({ isLowerOrDigit($0) || $0 == 0x2E || $0 == 0x2D })
        else {
            return false
        }
        return isLowerOrDigit(bytes[0]) && isLowerOrDigit(bytes[bytes.count - 1]) && !name.contains("..")
    }

    /// Rules, targets and buses, as EventBridge has them: 1 to 64 letters, digits, dots, hyphens and underscores.
    static func isRule(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { isLetterOrDigit($0) || $0 == 0x2E || $0 == 0x2D || $0 == 0x5F }
    }

    /// As Kinesis has it: 1 to 128 letters, digits, dots, hyphens and underscores.
    static func isStream(_ name: String) -> Bool {
        (1...128).contains(name.utf8.count)
            && name.utf8.allSatisfy { isLetterOrDigit($0) || $0 == 0x2E || $0 == 0x2D || $0 == 0x5F }
    }

    /// A function is a Swift module too: a letter, then letters, digits and underscores, at most 64.
    static func isFunction(_ name: String) -> Bool {
        guard (1...64).contains(name.utf8.count), let first = name.utf8.first else { return false }
        return isLetterOrDigit(first) && !isDigit(first)
            && name.utf8.allSatisfy { isLetterOrDigit($0) || $0 == 0x5F }
    }

    /// An environment variable: letters, digits and underscores, no digit first.
    static func isVariable(_ name: String) -> Bool {
        guard let first = name.utf8.first, !isDigit(first) else { return false }
        return name.utf8.allSatisfy { isLetterOrDigit($0) || $0 == 0x5F }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isLowerOrDigit(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || isDigit(byte) }
    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isLowerOrDigit(byte) || (0x41...0x5A).contains(byte)
    }
}
