/// Encodes any `Encodable` value as JSON bytes, in one buffer, members in the order in which the type writes them.
///
/// Infinities and NaN are `EncodingError.invalidValue`. A type that encodes the same key twice gets it written twice.
public struct TapeEncoder: Sendable {
    /// Members sorted by the bytes of their names.
    public var sortedKeys: Bool
    /// Two spaces a level, one member or element a line.
    public var pretty: Bool

    public init(sortedKeys: Bool = false, pretty: Bool = false) {
        self.sortedKeys = sortedKeys
        self.pretty = pretty
    }

    /// The JSON text of a value.
    public func encode<T: Encodable>(_ value: T) throws -> [UInt8] {
        let segment = Segment()
        try segment.encode(value, path: nil)
        let bytes = segment.flattened()
        guard sortedKeys || pretty else { return bytes }
        do {
            return try JSONValue(parsing: bytes).serialized(sortedKeys: sortedKeys, pretty: pretty)
        } catch {
            throw EncodingError.invalidValue(
                value, EncodingError.Context(codingPath: [], debugDescription: "cannot be sorted: \(error)"))
        }
    }

    /// The JSON text of a value as a `String`.
    public func text<T: Encodable>(_ value: T) throws -> String {
        String(decoding: try encode(value), as: UTF8.self)
    }
}

/// A step of the way to the value being encoded.
final class EncodingPath {
    private let parent: EncodingPath?
    private let key: any CodingKey

    init(_ parent: EncodingPath?, _ key: any CodingKey) {
        self.parent = parent
        self.key = key
    }

    var keys: [any CodingKey] { (parent?.keys ?? []) + [key] }
}

/// A run of output. Values nest in it like a stack, so one segment serves a whole document, except for containers that
/// a type asks for and may fill later than what follows them (`nestedContainer`, `superEncoder`): each of those has a
/// segment of its own, put into its place at the end.
final class Segment {
    var bytes: [UInt8] = []
    private var children: [(offset: Int, segment: Segment)] = []
    /// The scope that stays open until the end, for a segment of a nested container.
    var root: Scope?

    /// What one value has become: decided by the container it asks for first.
    final class Scope {
        enum Shape { case undecided, keyed, unkeyed, single }
        var shape = Shape.undecided
        var count = 0
    }

    func encode<T: Encodable>(_ value: T, path: EncodingPath?) throws {
        if T.self == String.self, let text = value as? String {
            JSONWriter.append(string: text, to: &bytes)
        } else if T.self == Int.self, let number = value as? Int {
            bytes.append(contentsOf: number.description.utf8)
        } else {
            let scope = Scope()
            try value.encode(to: SegmentEncoder(segment: self, scope: scope, path: path))
            close(scope)
        }
    }

    func close(_ scope: Scope) {
        switch scope.shape {
        case .undecided: bytes.append(contentsOf: "{}".utf8)
        case .keyed: bytes.append(UInt8(ascii: "}"))
        case .unkeyed: bytes.append(UInt8(ascii: "]"))
        case .single: break
        }
    }

    func child() -> Segment {
        let child = Segment()
        child.root = Scope()
        children.append((bytes.count, child))
        return child
    }

    func flattened() -> [UInt8] {
        if let root { close(root) }
        root = nil
        if children.isEmpty { return bytes }
        var result: [UInt8] = []
        var start = 0
        for (offset, segment) in children {
            result.append(contentsOf: bytes[start..<offset])
            result.append(contentsOf: segment.flattened())
            start = offset
        }
        result.append(contentsOf: bytes[start...])
        return result
    }

    func append<T: BinaryFloatingPoint & CustomStringConvertible>(_ value: T, path: EncodingPath?) throws {
        guard value.isFinite else {
            throw EncodingError.invalidValue(
                value,
                EncodingError.Context(
                    codingPath: path?.keys ?? [], debugDescription: "JSON has no \(value)"))
        }
        bytes.append(contentsOf: value.description.utf8)
    }
}
