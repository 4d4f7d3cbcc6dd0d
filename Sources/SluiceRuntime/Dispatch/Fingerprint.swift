/// Groups failures of the same kind: the function, the code and the message without what varies from event to event
/// (numbers, quoted text, paths and object keys, ids).
package enum Fingerprint {
    package static func of(target: String, code: String, message: String) -> String {
        var shape = Shape()
        for byte in message.utf8 { shape.add(byte) }
        shape.endWord()
        // FNV-1a, 64 bits: a group name, not a secret.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in Array(target.utf8) + [0] + Array(code.utf8) + [0] + shape.bytes {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        let text = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }

    /// What is left of a message.
    private struct Shape {
        private(set) var bytes: [UInt8] = []
        /// Where the word that is read now begins in `bytes`.
        private var start = 0
        private var quote: UInt8?
        private var lastWasDigit = false
        private var isPath = false
        /// Of the word: nothing but hexadecimal digits and what joins them so far, how many digits, whether one is a
        /// decimal one.
        private var isHexadecimal = true
        private var hexadecimals = 0
        private var hasDigit = false

        mutating func add(_ byte: UInt8) {
            if let open = quote {
                if byte == open { quote = nil }
                return
            }
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "`"):
                quote = byte
                put(UInt8(ascii: "?"))
                isHexadecimal = false
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if !lastWasDigit { bytes.append(UInt8(ascii: "#")) }
                lastWasDigit = true
                hasDigit = true
                hexadecimals += 1
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\t"):
                endWord()
                put(byte)
                start = bytes.count
            case UInt8(ascii: "/"):
                isPath = true
                put(byte)
            case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
                put(byte)
                hexadecimals += 1
            case UInt8(ascii: "-"), UInt8(ascii: ","), UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: ";"),
                UInt8(ascii: "("), UInt8(ascii: ")"):
                put(byte)
            default:
                put(byte)
                isHexadecimal = false
            }
        }

        /// A path, and an id of eight and more hexadecimal digits, is one of its kind; a list of them is, too, however
        /// long it is. Where a program stopped is no such path: two places are two kinds.
        mutating func endWord() {
            let isID = isHexadecimal && hasDigit && hexadecimals >= 8
            if isPath && !bytes[start...].contains(".swift:".utf8) || isID {
                bytes.removeSubrange(start...)
                let mark = UInt8(ascii: isPath ? "/" : "#")
                if bytes.suffix(2) == [mark, UInt8(ascii: " ")] { bytes.removeLast(2) }
                bytes.append(mark)
            }
            (start, lastWasDigit, isPath) = (bytes.count, false, false)
            (isHexadecimal, hexadecimals, hasDigit) = (true, 0, false)
        }

        private mutating func put(_ byte: UInt8) {
            bytes.append(byte)
            lastWasDigit = false
        }
    }
}
