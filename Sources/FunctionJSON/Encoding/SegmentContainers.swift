/// The encoder that a type sees: a place in a segment.
struct SegmentEncoder: Encoder {
    let segment: Segment
    let scope: Segment.Scope
    let path: EncodingPath?

    var codingPath: [any CodingKey] { path?.keys ?? [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        open(.keyed, UInt8(ascii: "{"))
        return KeyedEncodingContainer(KeyedSegmentContainer(segment: segment, scope: scope, path: path))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        open(.unkeyed, UInt8(ascii: "["))
        return UnkeyedSegmentContainer(segment: segment, scope: scope, path: path)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    private func open(_ shape: Segment.Scope.Shape, _ byte: UInt8) {
        // A type may ask for the same kind of container again and goes on where it was.
        guard scope.shape == .undecided else { return }
        scope.shape = shape
        segment.bytes.append(byte)
    }

    /// One value as text.
    func raw(_ json: some Sequence<UInt8>) {
        scope.shape = .single
        segment.bytes.append(contentsOf: json)
    }
}

extension SegmentEncoder: SingleValueEncodingContainer {
    func encodeNil() throws { raw("null".utf8) }
    func encode(_ value: Bool) throws { raw(value ? "true".utf8 : "false".utf8) }
    func encode(_ value: String) throws {
        scope.shape = .single
        JSONWriter.append(string: value, to: &segment.bytes)
    }
    func encode(_ value: Double) throws {
        scope.shape = .single
        try segment.append(value, path: path)
    }
    func encode(_ value: Float) throws {
        scope.shape = .single
        try segment.append(value, path: path)
    }
    func encode(_ value: Int) throws { raw(value.description.utf8) }
    func encode(_ value: Int8) throws { raw(value.description.utf8) }
    func encode(_ value: Int16) throws { raw(value.description.utf8) }
    func encode(_ value: Int32) throws { raw(value.description.utf8) }
    func encode(_ value: Int64) throws { raw(value.description.utf8) }
    func encode(_ value: Int128) throws { raw(value.description.utf8) }
    func encode(_ value: UInt) throws { raw(value.description.utf8) }
    func encode(_ value: UInt8) throws { raw(value.description.utf8) }
    func encode(_ value: UInt16) throws { raw(value.description.utf8) }
    func encode(_ value: UInt32) throws { raw(value.description.utf8) }
    func encode(_ value: UInt64) throws { raw(value.description.utf8) }
    func encode(_ value: UInt128) throws { raw(value.description.utf8) }
    func encode<T: Encodable>(_ value: T) throws {
        scope.shape = .single
        try segment.encode(value, path: path)
    }
}

struct KeyedSegmentContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let segment: Segment
    let scope: Segment.Scope
    let path: EncodingPath?

    var codingPath: [any CodingKey] { path?.keys ?? [] }

    private func name(_ text: String) {
        if scope.count > 0 { segment.bytes.append(UInt8(ascii: ",")) }
        scope.count += 1
        JSONWriter.append(string: text, to: &segment.bytes)
        segment.bytes.append(UInt8(ascii: ":"))
    }

    private func member(_ key: Key, _ json: some Sequence<UInt8>) {
        name(key.stringValue)
        segment.bytes.append(contentsOf: json)
    }

    func encodeNil(forKey key: Key) throws { member(key, "null".utf8) }
    func encode(_ value: Bool, forKey key: Key) throws { member(key, value ? "true".utf8 : "false".utf8) }
    func encode(_ value: String, forKey key: Key) throws {
        name(key.stringValue)
        JSONWriter.append(string: value, to: &segment.bytes)
    }
    func encode(_ value: Double, forKey key: Key) throws {
        name(key.stringValue)
        try segment.append(value, path: EncodingPath(path, key))
    }
    func encode(_ value: Float, forKey key: Key) throws {
        name(key.stringValue)
        try segment.append(value, path: EncodingPath(path, key))
    }
    func encode(_ value: Int, forKey key: Key) throws { member(key, value.description.utf8) }
    func encode(_ value: Int8, forKey key: Key) throws { member(key, value.description.utf8) }
    func encode(_ value: Int16, forKey key: Key) throws { member(key, value.description.utf8) }
    func encode(_ value: Int32, forKey key: Key) throws { member(key, value.description.utf8) }
    func encode(_ value: Int64, forKey key: Key) throws { member(key, value.description.utf8) }
    func encode(_ value: Int128, forKey key: Key) throws { member(key, value.description.utf8) }
    func encode(_ value: UInt, forKey key: Key) throws { member(key, value.description.utf8) }
    func encode(_ value: UInt8, forKey key: Key) throws { member(key, value.description.utf8) }
    func encode(_ value: UInt16, forKey key: Key) throws { member(key, value.description.utf8) }
    func encode(_ value: UInt32, forKey key: Key) throws { member(key, value.description.utf8) }
    func encode(_ value: UInt64, forKey key: Key) throws { member(key, value.description.utf8) }
    func encode(_ value: UInt128, forKey key: Key) throws { member(key, value.description.utf8) }
    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        name(key.stringValue)
        try segment.encode(value, path: EncodingPath(path, key))
    }

    private func child(_ key: any CodingKey) -> SegmentEncoder {
        name(key.stringValue)
        let child = segment.child()
        return SegmentEncoder(segment: child, scope: child.root ?? .init(), path: EncodingPath(path, key))
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> { child(key).container(keyedBy: type) }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { child(key).unkeyedContainer() }
    func superEncoder() -> any Encoder { child(TapeKey(stringValue: "super")) }
    func superEncoder(forKey key: Key) -> any Encoder { child(key) }
}

struct UnkeyedSegmentContainer: UnkeyedEncodingContainer {
    let segment: Segment
    let scope: Segment.Scope
    let path: EncodingPath?

    var codingPath: [any CodingKey] { path?.keys ?? [] }
    var count: Int { scope.count }

    private func separate() {
        if scope.count > 0 { segment.bytes.append(UInt8(ascii: ",")) }
        scope.count += 1
    }

    private func element(_ json: some Sequence<UInt8>) {
        separate()
        segment.bytes.append(contentsOf: json)
    }

    private var here: EncodingPath { EncodingPath(path, TapeKey(intValue: scope.count - 1)) }

    func encodeNil() throws { element("null".utf8) }
    func encode(_ value: Bool) throws { element(value ? "true".utf8 : "false".utf8) }
    func encode(_ value: String) throws {
        separate()
        JSONWriter.append(string: value, to: &segment.bytes)
    }
    func encode(_ value: Double) throws {
        separate()
        try segment.append(value, path: here)
    }
    func encode(_ value: Float) throws {
        separate()
        try segment.append(value, path: here)
    }
    func encode(_ value: Int) throws { element(value.description.utf8) }
    func encode(_ value: Int8) throws { element(value.description.utf8) }
    func encode(_ value: Int16) throws { element(value.description.utf8) }
    func encode(_ value: Int32) throws { element(value.description.utf8) }
    func encode(_ value: Int64) throws { element(value.description.utf8) }
    func encode(_ value: Int128) throws { element(value.description.utf8) }
    func encode(_ value: UInt) throws { element(value.description.utf8) }
    func encode(_ value: UInt8) throws { element(value.description.utf8) }
    func encode(_ value: UInt16) throws { element(value.description.utf8) }
    func encode(_ value: UInt32) throws { element(value.description.utf8) }
    func encode(_ value: UInt64) throws { element(value.description.utf8) }
    func encode(_ value: UInt128) throws { element(value.description.utf8) }
    func encode<T: Encodable>(_ value: T) throws {
        separate()
        try segment.encode(value, path: here)
    }

    private func child() -> SegmentEncoder {
        separate()
        let child = segment.child()
        return SegmentEncoder(segment: child, scope: child.root ?? .init(), path: here)
    }

    func nestedContainer<NestedKey: CodingKey>(keyedBy type: NestedKey.Type) -> KeyedEncodingContainer<NestedKey> {
        child().container(keyedBy: type)
    }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { child().unkeyedContainer() }
    func superEncoder() -> any Encoder { child() }
}
