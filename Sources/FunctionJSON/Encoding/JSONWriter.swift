/// Writes JSON text by hand, where the shape is known and speed counts. Commas are put by themselves; the caller
/// balances `begin…` and `end…` and names each member.
public struct JSONWriter: Sendable {
    /// What is written so far.
    public private(set) var bytes: [UInt8] = []
    /// Whether the next value or name needs a comma before it.
    private var needsComma = false

    public init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

    @inline(__always)
    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    public mutating func beginObject() { begin(UInt8(ascii: "{")) }
    public mutating func endObject() { end(UInt8(ascii: "}")) }
    public mutating func beginArray() { begin(UInt8(ascii: "[")) }
    public mutating func endArray() { end(UInt8(ascii: "]")) }

    private mutating func begin(_ byte: UInt8) {
        separate()
        bytes.append(byte)
        needsComma = false
    }

    private mutating func end(_ byte: UInt8) {
        bytes.append(byte)
        needsComma = true
    }

    /// The name of the member whose value follows.
    public mutating func name(_ name: String) {
        separate()
        Self.append(string: name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    public mutating func null() { raw("null") }
    public mutating func value(_ value: Bool) { raw(value ? "true" : "false") }
    public mutating func value(_ value: some FixedWidthInteger) {
        separate()
        bytes.append(contentsOf: value.description.utf8)
    }

    public mutating func value(_ value: String) {
        separate()
        Self.append(string: value, to: &bytes)
    }

    /// A member with a text.
    public mutating func member(_ name: String, _ value: String) {
        self.name(name)
        self.value(value)
    }

    /// A member with an integer.
    public mutating func member(_ name: String, _ value: some FixedWidthInteger) {
        self.name(name)
        self.value(value)
    }

    /// One JSON value that is text already. Not checked.
    public mutating func raw(_ json: some Sequence<UInt8>) {
        separate()
        bytes.append(contentsOf: json)
    }

    /// One JSON value that is text already. Not checked.
    public mutating func raw(_ json: StaticString) {
        separate()
        bytes.append(contentsOf: UnsafeBufferPointer(start: json.utf8Start, count: json.utf8CodeUnitCount))
    }

    /// Appends a text in quotes, escaping what must be escaped: quote, backslash, and control characters.
    public static func append(string: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        var string = string
        string.withUTF8 { text in
            var clean = 0
            var index = 0
            while index < text.count {
                // Nearly every text has nothing to escape.
                while index + 8 <= text.count, let start = text.baseAddress,
                    !mustEscape(UnsafeRawPointer(start).loadUnaligned(fromByteOffset: index, as: UInt64.self))
                {
                    index += 8
                }
                guard index < text.count else { break }
                let byte = text[index]
                if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                    index += 1
                    continue
                }
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[clean..<index]))
                bytes.append(UInt8(ascii: "\\"))
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
                case 0x08: bytes.append(UInt8(ascii: "b"))
                case 0x0C: bytes.append(UInt8(ascii: "f"))
                case 0x0A: bytes.append(UInt8(ascii: "n"))
                case 0x0D: bytes.append(UInt8(ascii: "r"))
                case 0x09: bytes.append(UInt8(ascii: "t"))
                default:
                    let digits = Array("0123456789abcdef".utf8)
                    bytes.append(contentsOf: "u00".utf8)
                    bytes.append(digits[Int(byte >> 4)])
                    bytes.append(digits[Int(byte & 15)])
                }
                index += 1
                clean = index
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[clean..<text.count]))
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Whether any byte of the word is a quote, a backslash or below 0x20.
    @inline(__always)
    private static func mustEscape(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let hit = (quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- ones &* 0x20) & ~word
        return hit & (ones << 7) != 0
    }

    /// A dynamic value; `indent` is the depth for two-space pretty printing, nil for none.
    mutating func value(_ value: JSONValue, sortedKeys: Bool, indent: Int?) {
        switch value {
        case .null: null()
        case .bool(let value): self.value(value)
        case .number(let number): raw(number.text.utf8)
        case .string(let text): self.value(text)
        case .array(let elements):
            beginArray()
            for element in elements {
                breakLine(indent.map { $0 + 1 })
                self.value(element, sortedKeys: sortedKeys, indent: indent.map { $0 + 1 })
            }
            if !elements.isEmpty { closeLine(indent) }
            endArray()
        case .object(let object):
            let members =
                sortedKeys
                ? object.members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) } : object.members
            beginObject()
            for member in members {
                breakLine(indent.map { $0 + 1 })
                name(member.name)
                if indent != nil { bytes.append(0x20) }
                self.value(member.value, sortedKeys: sortedKeys, indent: indent.map { $0 + 1 })
            }
            if !members.isEmpty { closeLine(indent) }
            endObject()
        }
    }

    /// The comma, if one is due, and a new line before an element.
    private mutating func breakLine(_ depth: Int?) {
        guard let depth else { return }
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = false
        closeLine(depth)
    }

    private mutating func closeLine(_ depth: Int?) {
        guard let depth else { return }
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: 2 * depth))
    }
}
