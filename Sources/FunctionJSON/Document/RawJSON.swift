/// A JSON value as its bytes, passed through unread: an `Event<RawJSON>` keeps its detail exactly as it came. Only
/// `TapeDecoder` and `TapeEncoder` keep the bytes; through another coder the value is parsed and written again.
public struct RawJSON: Sendable, Hashable {
    /// One valid JSON value, possibly with white space within.
    public let bytes: [UInt8]

    /// Checks that the bytes are one JSON value.
    public init(_ bytes: [UInt8]) throws(JSONError) {
        let root = try JSONDocument(parsing: bytes).root
        self.bytes = Array(root.sourceBytes)
    }

    /// Checks that the text is one JSON value.
    public init(_ text: String) throws(JSONError) { try self.init(Array(text.utf8)) }

    /// Encodes a value.
    public init(encoding value: some Encodable) throws { bytes = try TapeEncoder().encode(value) }

    /// Bytes that are known to be one valid JSON value.
    package init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// `{}`
    public static let emptyObject = RawJSON(unchecked: Array("{}".utf8))

    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Decodes a typed value.
    public func decode<T: Decodable>(_ type: T.Type = T.self) throws -> T {
        try TapeDecoder().decode(type, from: bytes)
    }
}

extension RawJSON: Codable {
    public init(from decoder: any Decoder) throws {
        if let place = decoder as? TapeNodeDecoder {
            self.init(unchecked: Array(place.tape.bytes[place.tape.sourceRange(place.index)]))
        } else {
            self.init(unchecked: try JSONValue(from: decoder).serialized())
        }
    }

    public func encode(to encoder: any Encoder) throws {
        if let encoder = encoder as? SegmentEncoder {
            encoder.raw(bytes)
        } else {
            try JSONValue(parsing: bytes).encode(to: encoder)
        }
    }

}
