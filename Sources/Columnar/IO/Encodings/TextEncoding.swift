/// How the characters of a text file are stored.
///
/// `automatic` never guesses between encodings that could both be right: it reads UTF-8, and UTF-16 where a byte order
/// mark or zero bytes say so (valid text has none in UTF-8). Bytes that are no UTF-8 are an error that names the place
/// and the encodings to choose from, since any file is valid Latin-1.
public enum TextEncoding: String, Sendable, Hashable, CaseIterable {
    /// UTF-8, or UTF-16 that shows itself.
    case automatic = "auto"
    case utf8 = "utf-8"
    /// ISO 8859-1: each byte is the Unicode scalar of its number.
    case latin1 = "latin-1"
    /// Latin-1 with `€ „ “ …` at 0x80 to 0x9F; what Windows calls ANSI in western languages.
    case windows1252 = "windows-1252"
    /// UTF-16 whose byte order is told by its mark, or by where the zero bytes lie.
    case utf16 = "utf-16"
    case utf16LittleEndian = "utf-16le"
    case utf16BigEndian = "utf-16be"
}

/// A form of text that has to be made into UTF-8.
enum ForeignText: Sendable, Hashable {
    case latin1
    case windows1252
    case utf16(isBigEndian: Bool)
}

extension TextEncoding {
    /// How the text that begins with `head` is to be decoded; nil where it is UTF-8.
    /// - Throws: `InvalidEncoding` where a byte order mark contradicts the encoding; `NotText` where the byte order of
    ///   UTF-16 cannot be told; `Unsupported` for UTF-32.
    func form(of head: [UInt8]) throws(ColumnarError) -> ForeignText? {
        let mark = ByteOrderMark(head)
        if mark == .utf32, self != .latin1, self != .windows1252 {
            throw ColumnarError(
                .unsupported, "This is UTF-32 text. Convert it first: iconv -f UTF-32 -t UTF-8.", byteOffset: 0)
        }
        switch (self, mark) {
        case (.automatic, .utf16(let isBigEndian)), (.utf16, .utf16(let isBigEndian)):
            return .utf16(isBigEndian: isBigEndian)
        case (.automatic, nil):
            return Self.utf16Order(head).map { .utf16(isBigEndian: $0) }
        case (.automatic, _), (.utf8, nil), (.utf8, .utf8):
            return nil
        case (.latin1, nil): return .latin1
        case (.windows1252, nil): return .windows1252
        case (.utf16, nil):
            if let isBigEndian = Self.utf16Order(head) { return .utf16(isBigEndian: isBigEndian) }
            if head.isEmpty { return nil }
            throw ColumnarError(
                .notText,
                "The byte order of this UTF-16 text cannot be told: it has no byte order mark, and no zero bytes show it. "
                    + "Set the encoding to utf-16le (Windows) or utf-16be.", byteOffset: 0)
        case (.utf16LittleEndian, nil), (.utf16LittleEndian, .utf16(isBigEndian: false)):
            return .utf16(isBigEndian: false)
        case (.utf16BigEndian, nil), (.utf16BigEndian, .utf16(isBigEndian: true)):
            return .utf16(isBigEndian: true)
        case (_, .some(let mark)):
            throw ColumnarError(
                .invalidEncoding,
                "The file begins with the byte order mark of \(mark.name), and the encoding is set to \(rawValue). Set it "
                    + "to auto, which goes by the mark.", byteOffset: 0)
        }
    }

    /// Whether zero bytes show UTF-16, and if so whether it is big-endian: of the first characters three quarters or
    /// more are below U+0100, which puts a zero into every other byte and nowhere else.
    private static func utf16Order(_ head: [UInt8]) -> Bool? {
        let pairs = head.count / 2
        guard pairs > 1 else { return nil }
        let first = (0..<pairs).count { head[2 * $0] == 0 }
        let second = (0..<pairs).count { head[2 * $0 + 1] == 0 }
        if first == 0, second * 4 >= pairs * 3 { return false }
        if second == 0, first * 4 >= pairs * 3 { return true }
        return nil
    }

    private enum ByteOrderMark: Equatable {
        case utf8
        case utf16(isBigEndian: Bool)
        case utf32

        init?(_ head: [UInt8]) {
            if head.starts(with: [0xEF, 0xBB, 0xBF]) {
                self = .utf8
            } else if head.starts(with: [0xFF, 0xFE, 0, 0]) || head.starts(with: [0, 0, 0xFE, 0xFF]) {
                self = .utf32
            } else if head.starts(with: [0xFF, 0xFE]) {
                self = .utf16(isBigEndian: false)
            } else if head.starts(with: [0xFE, 0xFF]) {
                self = .utf16(isBigEndian: true)
            } else {
                return nil
            }
        }

        var name: String {
            switch self {
            case .utf8: "UTF-8"
            case .utf16(let isBigEndian): isBigEndian ? "UTF-16 (big-endian)" : "UTF-16 (little-endian)"
            case .utf32: "UTF-32"
            }
        }
    }
}
