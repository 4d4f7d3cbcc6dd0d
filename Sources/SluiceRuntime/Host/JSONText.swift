import FunctionJSON

/// JSON of the runtime's own values, where a failure to encode would be a mistake in this code and not in any input.
package enum JSONText {
    /// The value as JSON. Our own values hold nothing that JSON lacks (no NaN); should one, it is kept as `null`.
    package static func encode(_ value: some Encodable) -> [UInt8] {
        (try? TapeEncoder().encode(value)) ?? Array("null".utf8)
    }

    package static func string(_ value: some Encodable) -> String {
        String(decoding: encode(value), as: UTF8.self)
    }

    /// Nil where the bytes are not what they should be: a damaged row costs its details, not the host.
    package static func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) -> T? {
        try? TapeDecoder().decode(type, from: bytes)
    }
}
