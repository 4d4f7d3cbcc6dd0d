import PlainYAML
import Testing

@Suite("YAML files of users, decoded")
struct PlainYAMLTests {
    private struct Rule: Decodable, Equatable {
        var least: Int?
        var share: Double?
        var text: String?
    }

    @Test("a scalar with a colon is text, never a number of base 60")
    func sexagesimal() throws {
        #expect(try PlainYAML.decode(Rule.self, from: "text: 1:30") == Rule(text: "1:30"))
        #expect(try PlainYAML.decode([String: Rule].self, from: "a: {least: 3, share: 0.5}")["a"]?.least == 3)
        for number in ["9223372036854775807:59", "1:1:1:1:1:1:1:1:1:1:1:1:1", "-9223372036854775807:59"] {
            #expect(throws: DecodingError.self) { try PlainYAML.decode(Rule.self, from: "least: \(number)") }
            #expect(throws: DecodingError.self) { try PlainYAML.decode([Int].self, from: "[\(number)]") }
            #expect(throws: DecodingError.self) { try PlainYAML.decode(Int.self, from: number) }
        }
    }

    @Test("aliases neither multiply nor nest without end")
    func aliases() {
        var bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        var deep = "a: &a \(String(repeating: "[", count: 900))\(String(repeating: "]", count: 900))\n"
        for letter in "bcdefgh" {
            let before = Character(UnicodeScalar(letter.asciiValue! - 1))
            bomb += "\(letter): &\(letter) [\(Array(repeating: "*\(before)", count: 10).joined(separator: ", "))]\n"
            deep +=
                "\(letter): &\(letter) \(String(repeating: "[", count: 900))*\(before)\(String(repeating: "]", count: 900))\n"
        }
        for text in [bomb, deep, "a: [", "\u{0}"] {
            #expect(throws: DecodingError.self) { try PlainYAML.decode([String: Rule].self, from: text) }
        }
    }
}
