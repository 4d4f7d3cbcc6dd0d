import Glibc

/// What looks like personal data. Only the form is judged, with check digits where the form has them: a value that
/// looks like a card number need not be one, and a name is not recognised at all.
public enum PersonalData: String, Sendable, Hashable, Codable, CaseIterable {
    /// An e-mail address with an ASCII local part and a domain of at least two labels.
    case email
    /// A telephone number with `+` or `00` before the country, or with separators as in `(030) 123456`, `212-555-0123`.
    /// Bare digits are not taken for one.
    case phone
    /// A payment card of a known brand, with the right check digit (Luhn), perhaps in groups.
    case card
    /// A social security number of the United States, with dashes. Areas that were never assigned are left out.
    case usSSN = "us-ssn"
    /// A Spanish DNI or NIE with its check letter.
    case spanishID = "es-dni"
    /// A German tax identification number (11 digits) with its check digit (ISO 7064 MOD 11,10).
    case germanTaxID = "de-tax-id"

    /// Its position among all.
    var ordinal: Int {
        switch self {
        case .email: 0
        case .phone: 1
        case .card: 2
        case .usSSN: 3
        case .spanishID: 4
        case .germanTaxID: 5
        }
    }

    /// What the whole of a text looks like, nil where like nothing of these.
    public static func kind(of text: UnsafeBufferPointer<UInt8>) -> PersonalData? {
        // The shortest is a DNI with 9 characters, or a@b.de; the longest an address.
        guard text.count >= 6, text.count <= 254 else { return nil }
        let first = text[0]
        let isDigit = first &- 0x30 <= 9
        if isDigit || first == UInt8(ascii: "+") || first == UInt8(ascii: "(") {
            if text.count <= 32, let found = number(text) { return found }
        }
        if text.count <= 11, spanish(text) { return .spanishID }
        return email(text) ? .email : nil
    }

    /// The same of a string.
    public static func kind(of text: String) -> PersonalData? {
        var copy = text
        return copy.withUTF8 { kind(of: $0) }
    }

    // MARK: e-mail

    private static func email(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = text.baseAddress, let sign = memchr(start, Int32(UInt8(ascii: "@")), text.count) else {
            return false
        }
        let at = UnsafeRawPointer(start).distance(to: UnsafeRawPointer(sign))
        guard at >= 1, at <= 64 else { return false }
        var before: UInt8 = UInt8(ascii: ".")
        for byte in text[..<at] {
            guard byte != UInt8(ascii: ".") || before != byte, isAtom(byte) || byte == UInt8(ascii: ".") else {
                return false
            }
            before = byte
        }
        guard before != UInt8(ascii: ".") else { return false }
        var labels = 0
        var length = 0
        var hasLetter = false
        before = UInt8(ascii: ".")
        for byte in text[(at + 1)...] {
            if byte == UInt8(ascii: ".") {
                guard length > 0, before != UInt8(ascii: "-") else { return false }
                labels += 1
                (length, hasLetter) = (0, false)
            } else {
                guard isAlphanumeric(byte) || (byte == UInt8(ascii: "-") && length > 0) else { return false }
                hasLetter = hasLetter || byte | 0x20 >= 0x61
                length += 1
                guard length <= 63 else { return false }
            }
            before = byte
        }
        return labels >= 1 && length >= 2 && hasLetter && before != UInt8(ascii: "-")
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        byte &- 0x30 <= 9 || (byte | 0x20) &- 0x61 < 26
    }

    private static func isAtom(_ byte: UInt8) -> Bool {
        if isAlphanumeric(byte) { return true }
        switch byte {
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2F, 0x3D, 0x3F, 0x5E...0x60, 0x7B...0x7E: return true
        default: return false
        }
    }

    // MARK: numbers

    /// Digits with separators.
    private static func number(_ text: UnsafeBufferPointer<UInt8>) -> PersonalData? {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { digits -> PersonalData? in
            var count = 0
            /// Lengths of the runs of digits, a hexadecimal digit each, the first in the highest place used.
            var groups = 0
            var run = 0
            var separators = 0
            var onlyDashes = true
            var onlyCardSeparators = true
            for (index, byte) in text.enumerated() {
                if byte &- 0x30 <= 9 {
                    digits[count] = byte &- 0x30
                    count += 1
                    run += 1
                } else {
                    switch byte {
                    case UInt8(ascii: "+"): guard index == 0 else { return nil }
                    case UInt8(ascii: " "): onlyDashes = false
                    case UInt8(ascii: "-"): break
                    case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "."), UInt8(ascii: "/"):
                        (onlyDashes, onlyCardSeparators) = (false, false)
                    default: return nil
                    }
                    separators += 1
                    if run > 0 { groups = groups << 5 | run }
                    run = 0
                }
            }
            if run > 0 { groups = groups << 5 | run }
            let number = UnsafeBufferPointer(rebasing: UnsafeBufferPointer(digits)[..<count])
            let isInternational = text[0] == UInt8(ascii: "+")
            if onlyDashes, !isInternational, separators == 2, groups == (3 << 5 | 2) << 5 | 4 {
                return isSSN(number) ? .usSSN : nil
            }
            if onlyCardSeparators, !isInternational, isCard(number) { return .card }
            if separators == 0 { return isGermanTaxID(number) ? .germanTaxID : nil }
            if onlyCardSeparators, groups == ((2 << 5 | 3) << 5 | 3) << 5 | 3, isGermanTaxID(number) {
                return .germanTaxID
            }
            return isPhone(number, text, groups) ? .phone : nil
        }
    }

    private static func isPhone(
        _ digits: UnsafeBufferPointer<UInt8>, _ text: UnsafeBufferPointer<UInt8>, _ groups: Int
    ) -> Bool {
        let count = digits.count
        guard count > 0 else { return false }
        if text[0] == UInt8(ascii: "+") { return (8...15).contains(count) && digits[0] != 0 }
        // ISO dates are no telephone numbers.
        if text.count >= 10, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-") { return false }
        if digits[0] == 0 { return count >= 9 && count <= (digits[1] == 0 ? 17 : 12) }
        // North America: NXX NXX XXXX, N from 2 on.
        let isGrouped = groups == (3 << 5 | 3) << 5 | 4
        return isGrouped && digits[0] >= 2 && digits[3] >= 2
    }

    private static func isSSN(_ digits: UnsafeBufferPointer<UInt8>) -> Bool {
        func value(_ range: Range<Int>) -> Int { digits[range].reduce(0) { $0 * 10 + Int($1) } }
        let area = value(0..<3)
        return area != 0 && area != 666 && area < 900 && value(3..<5) != 0 && value(5..<9) != 0
    }

    private static func isCard(_ digits: UnsafeBufferPointer<UInt8>) -> Bool {
        let count = digits.count
        guard (13...19).contains(count) else { return false }
        let start = digits[..<4].reduce(0) { $0 * 10 + Int($1) }
        let isBrand =
            switch start {
            case 4000...4999: count == 13 || count == 16 || count == 19
            case 5100...5599, 2221...2720: count == 16
            case 3400...3499, 3700...3799: count == 15
            case 3000...3059, 3600...3699, 3800...3999: count >= 14
            case 3528...3589, 6011, 6440...6599, 6200...6299: count >= 16
            case 5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763: true
            default: false
            }
        guard isBrand else { return false }
        var sum = 0
        for (index, digit) in digits.reversed().enumerated() {
            let value = index % 2 == 0 ? Int(digit) : Int(digit) * 2
            sum += value > 9 ? value - 9 : value
        }
        return sum % 10 == 0
    }

    /// Source: the structure that the Federal Central Tax Office publishes: of the first ten digits one occurs twice or
    /// three times (then not in a row), all others at most once.
    private static func isGermanTaxID(_ digits: UnsafeBufferPointer<UInt8>) -> Bool {
        guard digits.count == 11, digits[0] != 0 else { return false }
        var occurrences: UInt64 = 0
        for digit in digits[..<10] { occurrences += 1 << UInt64(digit * 4) }
        var repeated = 0
        for digit in 0..<10 {
            let times = Int(occurrences >> UInt64(digit * 4) & 15)
            guard times <= 3 else { return false }
            if times > 1 { repeated += 1 }
            if times == 3 {
                for index in 0..<8 where digits[index...(index + 2)].allSatisfy({ Int($0) == digit }) { return false }
            }
        }
        guard repeated == 1 else { return false }
        var product = 10
        for digit in digits[..<10] {
            var sum = (Int(digit) + product) % 10
            if sum == 0 { sum = 10 }
            product = sum * 2 % 11
        }
        return Int(digits[10]) == (11 - product) % 10
    }

    /// Eight digits and a letter, or X, Y, Z, seven digits and a letter; a dash may stand before the letter.
    private static func spanish(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let last = text.last, (last | 0x20) &- 0x61 < 26 else { return false }
        var body = text[..<(text.count - 1)]
        if body.last == UInt8(ascii: "-") { body = body.dropLast() }
        guard body.count == 8 else { return false }
        var value = 0
        for (index, byte) in body.enumerated() {
            if index == 0, let digit = [0x58: 0, 0x59: 1, 0x5A: 2][Int(byte & 0xDF)], byte >= 0x41 {
                value = digit
            } else {
                guard byte &- 0x30 <= 9 else { return false }
                value = value * 10 + Int(byte &- 0x30)
            }
        }
        let letters = Array("TRWAGMYFPDXBNJZSQVHLCKE".utf8)
        return letters[value % 23] == last & 0xDF
    }
}
