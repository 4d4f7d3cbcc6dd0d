/// An IPv4 or IPv6 address as the reference reads them (Java's `InetAddress` behind two regular expressions):
/// parts of a v4 address are decimal even with leading zeros, a v4-mapped v6 address is the v4 address.
struct IPAddress: Sendable, Hashable {
    var isV6: Bool
    var high: UInt64
    /// The low half; a v4 address is its low 32 bits.
    var low: UInt64

    /// The width of an address of this family in bits.
    var bitWidth: Int { isV6 ? 128 : 32 }

    /// Why a text is not an address.
    enum Failure: Error {
        /// Neither four decimal numbers with dots nor hexadecimal digits with colons.
        case nonstandard
        /// The shape of an address, but no address.
        case invalid
    }

    init(v4 value: UInt32) {
        isV6 = false
        high = 0
        low = UInt64(value)
    }

    init(v6High: UInt64, low v6Low: UInt64) {
        let isMapped = v6High == 0 && v6Low >> 32 == 0xFFFF
        self.init(isV6: !isMapped, high: v6High, low: isMapped ? v6Low & 0xFFFF_FFFF : v6Low)
    }

    init(isV6: Bool, high: UInt64, low: UInt64) {
        self.isV6 = isV6
        self.high = high
        self.low = low
    }

    /// The address with the bits after `prefixLength` cleared.
    func masked(_ prefixLength: Int) -> IPAddress {
        if !isV6 {
            let mask: UInt64 = prefixLength == 0 ? 0 : (0xFFFF_FFFF << UInt64(32 - prefixLength)) & 0xFFFF_FFFF
            return IPAddress(isV6: false, high: 0, low: low & mask)
        }
        let highMask: UInt64 = prefixLength >= 64 ? .max : (prefixLength == 0 ? 0 : .max << UInt64(64 - prefixLength))
        let lowMask: UInt64 = prefixLength <= 64 ? 0 : .max << UInt64(128 - prefixLength)
        return IPAddress(isV6: true, high: high & highMask, low: low & lowMask)
    }

    /// Reads an address.
    init(parsing text: UnsafeBufferPointer<UInt8>) throws(Failure) { self = try IPAddress.parse(text).get() }

    private static func parse(_ text: UnsafeBufferPointer<UInt8>) -> Result<IPAddress, Failure> {
        var colons = 0
        var dots = 0
        for byte in text {
            switch byte {
            case UInt8(ascii: ":"): colons += 1
            case UInt8(ascii: "."): dots += 1
            case UInt8(ascii: "0")...UInt8(ascii: "9"): break
            case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
                if dots > 0 { return .failure(.nonstandard) }
            default: return .failure(.nonstandard)
            }
        }
        if colons == 0 { return parseV4(text, dots: dots) }
        guard dots == 0 else { return .failure(.nonstandard) }
        return readV6(text).map { .success($0) } ?? .failure(.invalid)
    }

    static func parseV4(_ text: UnsafeBufferPointer<UInt8>, dots: Int) -> Result<IPAddress, Failure> {
        guard dots == 3 else { return .failure(.nonstandard) }
        var value: UInt32 = 0
        var part: UInt32 = 0
        var digits = 0
        var tooBig = text.count > 15
        for byte in text {
            if byte == UInt8(ascii: ".") {
                if digits == 0 { return .failure(.nonstandard) }
                value = value << 8 | (part & 0xFF)
                part = 0
                digits = 0
            } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
                part = min(part, 1000) * 10 + UInt32(byte - UInt8(ascii: "0"))
                if part > 255 { tooBig = true }
                digits += 1
            } else {
                return .failure(.nonstandard)
            }
        }
        if digits == 0 { return .failure(.nonstandard) }
        if tooBig { return .failure(.invalid) }
        return .success(IPAddress(v4: value << 8 | part))
    }
}

/// A block of addresses; host bits of the written address are ignored.
struct AddressBlock: Sendable, Hashable {
    var base: IPAddress
    var prefixLength: Int

    /// Reads `address/bits`, with the reference's messages.
    static func parse(_ text: [UInt8]) throws(OperandError) -> AddressBlock {
        // Java's split drops empty parts at the end: "a/8/" has two parts, "a/" one.
        var parts = text.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        while let last = parts.last, last.isEmpty, parts.count > 1 { parts.removeLast() }
        guard parts.count == 2 else { throw OperandError("Malformed CIDR, one '/' required") }
        guard let bits = javaInteger(parts[1]) else {
            throw OperandError("Malformed CIDR, mask bits must be an integer")
        }
        if bits < 0 { throw OperandError("Malformed CIDR, mask bits must not be negative") }
        let written = Array(parts[0])
        let address: IPAddress
        do throws(IPAddress.Failure) {
            address = try written.withUnsafeBufferPointer { bytes throws(IPAddress.Failure) in
                try IPAddress(parsing: bytes)
            }
        } catch .nonstandard {
            throw OperandError("Nonstandard IP address: \(String(decoding: written, as: UTF8.self))")
        } catch {
            throw OperandError("Invalid IP address: \(String(decoding: written, as: UTF8.self))")
        }
        if !address.isV6, bits > 31 { throw OperandError("IPv4 mask bits must be < 32") }
        if address.isV6, bits > 127 { throw OperandError("IPv6 mask bits must be < 128") }
        return AddressBlock(base: address.masked(bits), prefixLength: bits)
    }

    /// `Integer.parseInt` for ASCII digits.
    private static func javaInteger(_ text: ArraySlice<UInt8>) -> Int? {
        guard let value = Int(String(decoding: text, as: UTF8.self)) else { return nil }
        return value >= -0x8000_0000 && value <= 0x7FFF_FFFF ? value : nil
    }
}

/// A wrong operand, in the reference's words; the parser adds the place.
struct OperandError: Error {
    var message: String

    init(_ message: String) { self.message = message }
}
