public import Columnar
import Crypto

extension MaskHash {
    /// SHA-256 (FIPS 180-4) of the salt followed by the value's UTF-8, as 64 hexadecimal digits in lower case.
    ///
    /// Equal values get equal digests, so that tables can still be joined by them. Without a salt that is kept secret,
    /// whoever has a digest of a telephone number can try all numbers: give one.
    /// - Parameter salt: stands before each value; empty: none.
    public static func sha256(salt: String = "") -> MaskHash {
        var salted = SHA256()
        salted.update(data: Array(salt.utf8))
        let start = salted
        return MaskHash(name: "sha256") { value, text in
            var hash = start
            hash.update(bufferPointer: value)
            for byte in hash.finalize() {
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 15)])
            }
        }
    }

    private static let digits = Array("0123456789abcdef".utf8)
}
