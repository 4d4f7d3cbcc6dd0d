import FunctionJSON
import Testing

@Suite("Texts as they are written")
struct WritingTextTests {
    /// One byte at a time, as RFC 8259 section 7 has it.
    private func naive(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{08}": result += "\\b"
            case "\u{0C}": result += "\\f"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    @Test("Whatever must be escaped is found at every place of a word of eight, beside every neighbour")
    func everyPlace() {
        let neighbours: [Unicode.Scalar] = [
            "a", "ü", "\u{1F}", " ", "!", "\"", "#", "[", "\\", "]", "\u{7F}", "\u{10FFFF}",
        ]
        for length in 0..<20 {
            for place in 0..<max(1, length) {
                for code in [UInt32](0...0x24) + [0x5B, 0x5C, 0x5D, 0x7E, 0x7F, 0x80, 0xFF] {
                    guard let special = Unicode.Scalar(code) else { continue }
                    for neighbour in neighbours {
                        var text = ""
                        for index in 0..<length { text.unicodeScalars.append(index == place ? special : neighbour) }
                        var bytes: [UInt8] = []
                        JSONWriter.append(string: text, to: &bytes)
                        if bytes != Array(naive(text).utf8) { Issue.record("wrong: \(text.debugDescription)") }
                    }
                }
            }
        }
    }
}
