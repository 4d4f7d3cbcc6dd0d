/// Why bytes are not the JSON that was asked for, and where.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of fault; messages may change, codes do not.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case unexpectedEnd, unexpectedByte, trailingBytes, invalidNumber, invalidEscape, invalidUTF8
            case controlCharacter, tooDeep, tooLarge
        }
        private let kind: Kind

        /// The input stops in the middle of a value, or is empty.
        public static let unexpectedEnd = Code(kind: .unexpectedEnd)
        /// A byte that cannot stand here.
        public static let unexpectedByte = Code(kind: .unexpectedByte)
        /// Something other than white space follows the value.
        public static let trailingBytes = Code(kind: .trailingBytes)
        /// Not a number by RFC 8259, such as `01` or `1.`.
        public static let invalidNumber = Code(kind: .invalidNumber)
        /// An unknown escape, bad hex digits, or half of a surrogate pair.
        public static let invalidEscape = Code(kind: .invalidEscape)
        /// A string holds bytes that are not UTF-8.
        public static let invalidUTF8 = Code(kind: .invalidUTF8)
        /// A byte below 0x20 stands unescaped in a string.
        public static let controlCharacter = Code(kind: .controlCharacter)
        /// More nested arrays and objects than the limit.
        public static let tooDeep = Code(kind: .tooDeep)
        /// More bytes than a tape can address (2 GiB).
        public static let tooLarge = Code(kind: .tooLarge)

        public var description: String { kind.rawValue }
    }

    public let code: Code
    /// What is wrong, without the place.
    public let message: String
    /// Bytes before the fault.
    public let offset: Int
    /// From 1.
    public let line: Int
    /// In bytes within the line, from 1.
    public let column: Int

    /// `line 3, column 14 (byte 52): expected ',' or '}' …`
    public var description: String { "line \(line), column \(column) (byte \(offset)): \(message)" }

    init(_ code: Code, _ message: String, at offset: Int, in bytes: UnsafeBufferPointer<UInt8>) {
        var line = 1
        var lineStart = 0
        for index in 0..<min(offset, bytes.count) where bytes[index] == UInt8(ascii: "\n") {
            line += 1
            lineStart = index + 1
        }
        self.code = code
        self.message = message
        self.offset = offset
        self.line = line
        self.column = offset - lineStart + 1
    }
}
