import FunctionJSON
import Testing

@Suite("Encoding, and dynamic values")
struct EncodingTests {
    @Test("scalars")
    func scalars() throws {
        let encoder = TapeEncoder()
        #expect(try encoder.text(1.0) == "1.0")
        #expect(try encoder.text(1e-7) == "1e-07")
        #expect(try encoder.text(Float(0.1)) == "0.1")
        #expect(try encoder.text(UInt64.max) == "18446744073709551615")
        #expect(try encoder.text([Int?.none, 1]) == "[null,1]")
        #expect(try encoder.text("a\"\\\n\u{1}/é\u{7f}") == "\"a\\\"\\\\\\n\\u0001/é\u{7f}\"")
        #expect(try encoder.text([String: Int]()) == "{}")
        #expect(throws: EncodingError.self) { try encoder.encode([Double.nan]) }
        #expect(throws: EncodingError.self) { try encoder.encode(["a": Float.infinity]) }
    }

    @Test("a type that encodes nothing is an empty object, an optional member is left out")
    func empty() throws {
        struct Nothing: Codable {}
        struct Some: Codable { var a: Int?; var b: Nothing }
        #expect(try TapeEncoder().text(Nothing()) == "{}")
        #expect(try TapeEncoder().text(Some(a: nil, b: Nothing())) == #"{"b":{}}"#)
    }

    @Test("sorted and pretty")
    func options() throws {
        let value: JSONValue = ["b": [1, [], ["x": nil]], "a": [:], "é": 1.5, "Z": true]
        #expect(try TapeEncoder(sortedKeys: true).text(value) == #"{"Z":true,"a":{},"b":[1,[],{"x":null}],"é":1.5}"#)
        #expect(
            try TapeEncoder(pretty: true).text(value) == """
                {
                  "b": [
                    1,
                    [],
                    {
                      "x": null
                    }
                  ],
                  "a": {},
                  "é": 1.5,
                  "Z": true
                }
                """)
    }

    @Test("dynamic values keep order and the text of numbers")
    func dynamic() throws {
        let text = #"{"z":1.10,"a":[123456789012345678901234567890,1E5,null],"m":{"k":"v"}}"#
        var value = try JSONValue(parsing: text)
        #expect(value.description == text)
        #expect(try TapeDecoder().decode(JSONValue.self, from: TapeEncoder().encode(value)) == value)
        #expect(value["m"]?["k"]?.string == "v")
        #expect(value["a"]?[1]?.int == 100_000)
        #expect(value["a"]?[0]?.int == nil)
        value["z"] = nil
        value["new"] = "n"
        #expect(value.description == #"{"a":[123456789012345678901234567890,1E5,null],"m":{"k":"v"},"new":"n"}"#)
        #expect(try JSONValue(parsing: #"{"a":1,"b":2}"#) == JSONValue(parsing: #"{"b":2,"a":1}"#))
        #expect(try JSONValue(parsing: #"{"a":1,"b":2}"#) != JSONValue(parsing: #"{"b":2,"a":2}"#))
        #expect(JSONNumber("01") == nil)
        #expect(JSONNumber(" 1") == nil)
        struct Point: Codable, Equatable { var x: Int; var y: [String] }
        #expect(try JSONValue(encoding: Point(x: 1, y: ["a"])).decode(Point.self) == Point(x: 1, y: ["a"]))
    }

    @Test("raw JSON passes through byte for byte")
    func raw() throws {
        struct Envelope: Codable { var detail: RawJSON; var after: Int }
        let decoded = try TapeDecoder().decode(Envelope.self, from: #"{"detail": { "a" : 1.0 } ,"after":2}"#)
        #expect(decoded.detail.text == #"{ "a" : 1.0 }"#)
        #expect(try TapeEncoder().text(decoded) == #"{"detail":{ "a" : 1.0 },"after":2}"#)
        #expect(throws: JSONError.self) { try RawJSON("{") }
    }

    @Test("a writer by hand")
    func writer() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("a", 1)
        writer.name("list")
        writer.beginArray()
        writer.value("x")
        writer.raw("{}")
        writer.beginArray()
        writer.endArray()
        writer.null()
        writer.endArray()
        writer.name("b")
        writer.value(false)
        writer.endObject()
        #expect(String(decoding: writer.bytes, as: UTF8.self) == #"{"a":1,"list":["x",{},[],null],"b":false}"#)
    }
}
