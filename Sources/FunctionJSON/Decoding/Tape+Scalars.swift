/// Typed reading of one value, with the errors that `Decodable` types throw.
extension Tape {
    func isNull(_ index: Int) -> Bool { nodes[index].kind == .null }

    func bool(_ index: Int) throws -> Bool {
        switch nodes[index].kind {
        case .true: return true
        case .false: return false
        default: throw mismatch(Bool.self, "a boolean", at: index)
        }
    }

    func string(_ index: Int) throws -> String {
        guard nodes[index].kind == .string else { throw mismatch(String.self, "a string", at: index) }
        return text(index)
    }

    func integer<T: FixedWidthInteger>(_ index: Int) throws -> T {
        guard nodes[index].kind == .number else { throw mismatch(T.self, "an integer", at: index) }
        guard let value = number(index, { NumberText.integer($0, as: T.self) }) else {
            throw corrupted("\(numberText(index)) is not an integer from \(T.min) to \(T.max)", at: index)
        }
        return value
    }

    func double(_ index: Int) throws -> Double {
        guard nodes[index].kind == .number else { throw mismatch(Double.self, "a number", at: index) }
        guard let value = number(index, NumberText.double) else {
            throw corrupted("\(numberText(index)) is beyond the range of Double", at: index)
        }
        return value
    }

    func float(_ index: Int) throws -> Float {
        guard nodes[index].kind == .number else { throw mismatch(Float.self, "a number", at: index) }
        guard let value = number(index, NumberText.float) else {
            throw corrupted("\(numberText(index)) is beyond the range of Float", at: index)
        }
        return value
    }

    @inline(__always)
    private func number<T>(_ index: Int, _ convert: (UnsafeBufferPointer<UInt8>) -> T?) -> T? {
        let range = sourceRange(index)
        return bytes.withUnsafeBufferPointer { convert(UnsafeBufferPointer(rebasing: $0[range])) }
    }

    /// Any decodable value. The types that `Decodable` containers ask for most are read without a decoder between.
    func decode<T: Decodable>(_ type: T.Type, at index: Int) throws -> T {
        if T.self == String.self, let value = try string(index) as? T { return value }
        if T.self == Int.self, let value = try integer(index) as Int as? T { return value }
        if T.self == Double.self, let value = try double(index) as? T { return value }
        if T.self == JSONValue.self, let value = JSONValue(self, at: index) as? T { return value }
        if T.self == RawJSON.self, let value = RawJSON(unchecked: Array(bytes[sourceRange(index)])) as? T {
            return value
        }
        return try T(from: TapeNodeDecoder(tape: self, index: index))
    }

    func expect(_ kind: JSONKind, at index: Int, _ name: String, _ type: any Any.Type) throws {
        guard nodes[index].kind == kind else { throw mismatch(type, name, at: index) }
    }

    func mismatch(_ type: any Any.Type, _ wanted: String, at index: Int) -> DecodingError {
        let found = nodes[index].kind
        let context = DecodingError.Context(
            codingPath: codingPath(to: index),
            debugDescription: "expected \(wanted), found \(found == .null ? "null" : describe(index)) at byte "
                + "\(sourceRange(index).lowerBound)")
        return found == .null ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    func corrupted(_ message: String, at index: Int) -> DecodingError {
        .dataCorrupted(DecodingError.Context(codingPath: codingPath(to: index), debugDescription: message))
    }

    /// `the string "abc"`, cut where it is long.
    private func describe(_ index: Int) -> String {
        let kind = nodes[index].kind
        guard kind != .object, kind != .array else { return kind == .object ? "an object" : "an array" }
        let source = bytes[sourceRange(index)]
        let text = String(decoding: source.prefix(60), as: UTF8.self) + (source.count > 60 ? "…" : "")
        return "the \(kind) \(text)"
    }

    /// The way from the root to a value. Worked out when somebody asks, so that decoding keeps no path.
    func codingPath(to target: Int) -> [any CodingKey] {
        var path: [any CodingKey] = []
        var container = 0
        while container != target {
            let isObject = nodes[container].kind == .object
            var child = container + 1
            var position = 0
            let end = Int(nodes[container].next)
            while child < end {
                let value = isObject ? child + 1 : child
                if target >= value, target < Int(nodes[value].next) {
                    path.append(isObject ? TapeKey(stringValue: text(child)) : TapeKey(intValue: position))
                    break
                }
                child = Int(nodes[value].next)
                position += 1
            }
            guard child < end else { return path }
            container = isObject ? child + 1 : child
        }
        return path
    }
}
