import FunctionJSON
import Testing

@Suite("Parsing JSON text")
struct ParsingTests {
    @Test("a text is read wherever in it lies what must be looked at")
    func texts() throws {
        for count in 0...70 {
            let plain = String(repeating: "x", count: count)
            for (piece, text) in [("\\\"", "\""), ("\\u00e4", "ä"), ("é", "é"), ("\\\\", "\\"), ("", "")] {
                for tail in [0, 1, 15, 16, 17] {
                    let rest = String(repeating: "y", count: tail)
                    let root = try JSONDocument(parsing: "[\"\(plain)\(piece)\(rest)\",1]").root
                    #expect(root.elements.map(\.string) == [plain + text + rest, nil])
                }
            }
            for bad in ["\u{1}", "\\x", "\n"] {
                #expect(throws: JSONError.self) { try JSONDocument(parsing: "[\"\(plain)\(bad)0123456789abcdefg\"]") }
            }
            let torn = Array("[\"\(plain)".utf8) + [0xC3] + Array("0123456789abcdefg\"]".utf8)
            #expect(throws: JSONError.self) { try JSONDocument(parsing: torn) }
            #expect(throws: JSONError.self) { try JSONDocument(parsing: "[\"\(plain)") }
        }
    }

    @Test("a type may ask for a value unread")
    func unread() throws {
        struct Wanted: Decodable {
            var n: JSONNode
        }
        let wanted = try TapeDecoder().decode(Wanted.self, from: #"{"m":1,"n":{"o":[true,7]}}"#)
        #expect(wanted.n["o"]?.elements.map(\.int64) == [nil, 7])
        #expect(wanted.n.raw.text == #"{"o":[true,7]}"#)
    }

    @Test(
        "valid texts",
        arguments: [
            "null", " true ", "\t\r\nfalse", "0", "-0", "1.5e-7", "1E+2", "\"\"", "[]", "{}", "[[],{}]", "{\"\":0}",
            "[1 , 2]", "\"\\u00e9\\ud83d\\ude00\\/\"", "\"é😀\u{7f}\"", "{\"a\":1,\"a\":2}",
        ])
    func valid(text: String) throws {
        _ = try JSONDocument(parsing: text)
    }

    @Test(
        "invalid texts, with the place of the fault",
        arguments: [
            ("", JSONError.Code.unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("{", .unexpectedEnd, 1),
            ("[1,", .unexpectedEnd, 3), ("[1,]", .unexpectedByte, 3), ("{\"a\":1,}", .unexpectedByte, 7),
            ("{a:1}", .unexpectedByte, 1), ("{\"a\" 1}", .unexpectedByte, 5), ("[1 2]", .unexpectedByte, 3),
            ("[1}", .unexpectedByte, 2), ("nul", .unexpectedEnd, 3), ("nulL", .unexpectedByte, 3),
            ("01", .invalidNumber, 0), ("-", .invalidNumber, 1), ("1.", .invalidNumber, 2), (".5", .unexpectedByte, 0),
            ("1e", .invalidNumber, 2), ("+1", .unexpectedByte, 0), ("1 1", .trailingBytes, 2),
            ("NaN", .unexpectedByte, 0),
            ("\"a", .unexpectedEnd, 2), ("\"a\nb\"", .controlCharacter, 2), ("\"\\x\"", .invalidEscape, 1),
            ("\"\\u12g4\"", .invalidEscape, 1), ("\"\\ud800\"", .invalidEscape, 1),
            ("\"\\ud800\\u0041\"", .invalidEscape, 1),
            ("\"\\udc00\"", .invalidEscape, 1), ("\"\\", .unexpectedEnd, 2), ("\u{feff}1", .unexpectedByte, 0),
            ("'a'", .unexpectedByte, 0), ("[1]]", .trailingBytes, 3),
        ])
    func invalid(text: String, code: JSONError.Code, offset: Int) {
        let error = #expect(throws: JSONError.self) { try JSONDocument(parsing: text) }
        #expect(error?.code == code, "\(text): \(error as Any)")
        #expect(error?.offset == offset, "\(text): \(error as Any)")
    }

    @Test(
        "strings that are not UTF-8",
        arguments: [
            [0x80], [0xC0, 0x80], [0xC3], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF],
            [0xF0, 0x9F, 0x98],
        ] as [[UInt8]])
    func invalidUTF8(content: [UInt8]) {
        let error = #expect(throws: JSONError.self) {
            try JSONDocument(parsing: Array("\"abcdefghij".utf8) + content + Array("\"".utf8))
        }
        #expect(error?.code == .invalidUTF8)
        #expect(error?.offset == 11)
    }

    @Test("line and column of a fault")
    func lineAndColumn() {
        let error = #expect(throws: JSONError.self) { try JSONDocument(parsing: "{\n  \"a\": 1,\n  \"b\": x\n}") }
        #expect(error?.line == 3)
        #expect(error?.column == 8)
        #expect(error?.description == "line 3, column 8 (byte 19): expected a value, found 'x'")
    }

    @Test("nesting is limited, at the limit and not before")
    func depth() throws {
        let deep = String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000)
        _ = try JSONDocument(parsing: deep)
        let error = #expect(throws: JSONError.self) { try JSONDocument(parsing: "[" + deep + "]") }
        #expect(error?.code == .tooDeep)
        // A value this deep also survives the dynamic form.
        #expect(try JSONValue(parsing: deep).serialized() == Array(deep.utf8))
    }

    @Test("strings of every length keep their text, whatever stands where in the word")
    func stringScan() throws {
        for length in 0..<40 {
            for place in 0...length {
                for special in ["\\n", "\\\"", "é", "\\u00e9", "x"] {
                    let text =
                        String(repeating: "a", count: place) + special + String(repeating: "b", count: length - place)
                    let document = try JSONDocument(parsing: "[\"\(text)\",7]")
                    let wanted = text.replacing("\\n", with: "\n").replacing("\\\"", with: "\"").replacing(
                        "\\u00e9", with: "é")
                    #expect(document.root.elements.map { $0.string ?? $0.numberText } == [wanted, "7"])
                }
            }
        }
    }

    @Test("walking a document")
    func walking() throws {
        let text = #"{"a":[1,{"b":null},"x"],"\u0063":true,"n":-1.50,"a2":{}}"#
        let root = try JSONDocument(parsing: text).root
        #expect(root.count == 4)
        #expect(root["a"]?.count == 3)
        #expect(root["a"]?.elements.map(\.kind) == [.number, .object, .string])
        #expect(root["c"]?.bool == true)
        #expect(root["n"]?.numberText == "-1.50")
        #expect(root["n"]?.double == -1.5)
        #expect(root["n"]?.int64 == nil)
        #expect(root["missing"] == nil)
        #expect(root.members.map(\.name) == ["a", "c", "n", "a2"])
        #expect(root["a"].map { String(decoding: $0.sourceBytes, as: UTF8.self) } == #"[1,{"b":null},"x"]"#)
    }

    @Test("mutated documents are refused or read, never a crash, and what is read survives being written")
    func mutations() throws {
        let sample = Array(
            #"{"a":[1,-2.5e10,true,null,{"b":"x\u00e9\n\\"}],"é":{"":[[]],"k":"0123456789"},"z":123456789012}"#.utf8)
        var state: UInt64 = 42
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var read = 0
        for _ in 0..<20_000 {
            var bytes = sample
            for _ in 0...random(3) {
                let place = random(bytes.count)
                switch random(4) {
                case 0: bytes[place] = UInt8(random(256))
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(sample[random(sample.count)], at: place)
                default: bytes.removeSubrange(place..<min(bytes.count, place + random(8)))
                }
                if bytes.isEmpty { bytes = [UInt8(random(256))] }
            }
            guard let value = try? JSONValue(parsing: bytes) else { continue }
            read += 1
            #expect(try JSONValue(parsing: value.serialized()) == value)
            _ = try? TapeDecoder().decode([String: JSONValue].self, from: bytes)
        }
        #expect(read > 1000)
    }
}

@Suite("Plain names")
struct PlainNameTests {
    @Test(
        "Names that occur once, without dots and escapes, are plain",
        arguments: [
            ("{}", true), ("[1]", true), (#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#, true), (#"{"a":"x.y\n"}"#, true),
            (#"{"a":1,"a":1}"#, false), (#"{"a":[{"b":1,"c":{},"b":2}]}"#, false), (#"{"a.b":1}"#, false),
            (#"{"a":{"\u0061":1}}"#, false), (#"{"":1,"":2}"#, false),
        ])
    func plain(text: String, wanted: Bool) throws {
        #expect(try JSONDocument(parsing: text).root.traits.hasPlainNames == wanted)
    }

    @Test("Objects of many members")
    func many() throws {
        let members = (0..<5000).map { "\"k\($0)\":\($0)" }
        #expect(try JSONDocument(parsing: "{\(members.joined(separator: ","))}").root.traits.hasPlainNames)
        let twice = "{\((members + members.prefix(1)).joined(separator: ","))}"
        #expect(try !JSONDocument(parsing: twice).root.traits.hasPlainNames)
    }
}
