/// A JSON value as its bytes, passed through unread: an `Event<RawJSON>` keeps its detail exactly as it came. Only
/// `TapeDecoder` and `TapeEncoder` keep the bytes; through another coder the value is parsed and written again.
public struct RawJSON: Sendable {
    private let source: [UInt8]
    /// Where the value lies in `source`; nil: it is all of it.
    private let range: Range<Int>?

    /// One valid JSON value, possibly with white space within.
    public var bytes: [UInt8] { range.map { Array(source[$0]) } ?? source }

    /// Checks that the bytes are one JSON value.
    public init(_ bytes: [UInt8]) throws(JSONError) {
        let root = try JSONDocument(parsing: bytes).root
        self.init(unchecked: Array(root.sourceBytes))
    }

    /// Checks that the text is one JSON value.
    public init(_ text: String) throws(JSONError) { try self.init(Array(text.utf8)) }

    /// Encodes a value.
    public init(encoding value: some Encodable) throws { self.init(unchecked: try TapeEncoder().encode(value)) }

    /// Bytes that are known to be one valid JSON value.
    package init(unchecked bytes: [UInt8]) {
        source = bytes
        range = nil
    }

    /// A part of a document, which it keeps in memory: for what does not outlive the document by much.
    package init(unchecked document: [UInt8], in range: Range<Int>) {
        source = document
        self.range = range
    }

    package var count: Int { range?.count ?? source.count }

    /// The bytes where they lie.
    package func withBytes<R, E: Error>(_ body: (UnsafeBufferPointer<UInt8>) throws(E) -> R) throws(E) -> R {
        try source.withUnsafeBufferPointer { (all) throws(E) -> R in
            try body(range.map { UnsafeBufferPointer(rebasing: all[$0]) } ?? all)
        }
    }

    /// `{}`
    public static let emptyObject = RawJSON(unchecked: Array("{}".utf8))

    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Decodes a typed value.
    public func decode<T: Decodable>(_ type: T.Type = T.self) throws -> T {
        try TapeDecoder().decode(type, from: bytes)
    }
}

extension RawJSON: Hashable {
    public static func == (left: RawJSON, right: RawJSON) -> Bool {
        left.withBytes { one in right.withBytes { other in one.elementsEqual(other) } }
    }

    public func hash(into hasher: inout Hasher) {
        withBytes { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
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
