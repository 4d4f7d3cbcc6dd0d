import EventPatterns
import Testing

@Suite("The language beyond the recorded cases")
struct LanguageTests {
    private func message(_ pattern: String) -> String? {
        if case .patternError(let message) = CaseAnswer.answer(pattern: pattern, event: "{}") { message } else { nil }
    }

    @Test(
        "Messages",
        arguments: [
            (#"{"a":[{"anything-but":{}}]}"#, "Anything-But expression name not found"),
            (#"{"a":[{"prefix":{}}]}"#, "Prefix expression name not found"),
            (#"{"a":[{"suffix":{}}]}"#, "Suffix expression name not found"),
            (#"{"a":[{"suffix":{"foo":"x"}}]}"#, "Unsupported suffix pattern: foo"),
            (#"{"a":[{"exactly":5}]}"#, "exact match pattern must be a string"),
            (#"{"a":[{"anything-but":{"wildcard":5}}]}"#, "wildcard match pattern must be a string"),
            (#"{"a":[{"anything-but":{"suffix":["a",5]}}]}"#, "prefix/suffix match pattern must be a string"),
            (
                #"{"a":[{"anything-but":{"equals-ignore-case":5}}]}"#,
                "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
            ),
            (#"{"a":[{"anything-but":1e400}]}"#, "Cannot compare number : 1e400"),
            (#"{"a":[{"numeric":[5]}]}"#, "Invalid member in numeric match: 5"),
            (#"{"a":[{"numeric":["=","x"]}]}"#, "Value of equals must be numeric"),
            (#"{"a":[{"numeric":[">",0,5]}]}"#, "Bad value in numeric range: 5"),
            (#"{"a":[{"numeric":[">",0,">",5]}]}"#, "Bad numeric range operator: >"),
            (#"{"a":[{"numeric":[">",0,"<","5"]}]}"#, "Value of < must be numeric"),
            (#"{"a":[{"numeric":["=",1],"prefix":"x"}]}"#, "Too many elements in numeric expression"),
            (#"{"a":[{"cidr":"10.0.0.0/"}]}"#, "Malformed CIDR, one '/' required"),
            (#"{"a":[{"cidr":"1:2/8"}]}"#, "Invalid IP address: 1:2"),
            (#"{"a":[{"Prefix":"x"}]}"#, "Unrecognized match type Prefix"),
            (
                #"{"$or":[{"a":["x"]},{"b":{"$or":[{"=":["y"]},{"c":["z"]}]}}]}"#,
                "= is Ruler reserved fieldName which cannot be used inside $or."
            ),
            (#"{"a":[{"regex":"x"}]}"#, "Unrecognized match type regex"),
            (
                #"{"a":["x",]}"#,
                "Unexpected character (']' (code 93)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
            ),
            (#"{a:["x"]}"#, "Unexpected character ('a' (code 97)): was expecting double-quote to start field name"),
            (
                "{\"a\":[\"\t\"]}",
                "Illegal unquoted character ((CTRL-CHAR, code 9)): has to be escaped using backslash to be included in string value"
            ),
            (#"{"a":["x"]"#, "Unexpected end-of-input within/between Object entries"),
            (
                #"{"a":[-Infinity]}"#,
                "Non-standard token '-Infinity': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"
            ),
        ])
    func messages(pattern: String, wanted: String) {
        #expect(message(pattern) == wanted)
    }

    @Test("Places of mistakes")
    func places() throws {
        let error = try #require(throws: PatternError.self) { try EventPattern(parsing: "{\n  \"a\": [{\"foo\": 1}]}") }
        #expect(error.line == 2)
        #expect(error.code == .invalidMatcher)
        #expect(
            error.eventBridgeDescription.hasPrefix("Event pattern is not valid. Reason: Unrecognized match type foo"))
    }

    @Test("No character's two cases begin or end with one another, and both have the same key")
    func caseForms() {
        // What ignore-case matching relies on: the first form that fits is the only one.
        for value in UInt32(0x80)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let lower = Array(scalar.properties.lowercaseMapping.utf8)
            let upper = Array(scalar.properties.uppercaseMapping.utf8)
            if lower == upper { continue }
            let overlaps =
                lower.starts(with: upper) || upper.starts(with: lower)
                || lower.reversed().starts(with: upper.reversed()) || upper.reversed().starts(with: lower.reversed())
            if overlaps { Issue.record("U+\(String(value, radix: 16))") }
        }
    }

    @Test("A pattern tells the paths it names and how many rules it is")
    func paths() throws {
        let pattern = try EventPattern(
            parsing: #"{"source":["aws.s3"],"$or":[{"detail":{"a":["x"]}},{"detail":{"a":["y"],"b":[1]}}]}"#)
        #expect(pattern.paths == ["detail.a", "detail.b", "source"])
        #expect(pattern.branchCount == 2)
    }

    @Test("Fields are tested in the order of UTF-16 code units")
    func order() throws {
        let pattern = try EventPattern(parsing: #"{"\uffff":["x"],"\ud800\udc00":["x"],"a":["x"]}"#)
        #expect(pattern.paths == ["a", "\u{10000}", "\u{FFFF}"])
    }

    @Test(
        "Validated reading needs plain names",
        arguments: [
            (#"{"a":{"b":1,"c":[{"b":2},{"b":3}]}}"#, true), (#"{"a":1,"a":2}"#, false), (#"{"a.b":1}"#, false),
            (#"{"\u0061":1}"#, false), (#"{"x":[{"a":1,"b":{"a":1},"a":2}]}"#, false),
            (#"{"a":"b.c","d":"\""} x"#, true),
        ])
    func facts(event: String, isPlain: Bool) throws {
        #expect((try EventFacts.reading(of: Array(event.utf8)) == .validated) == isPlain)
    }

    @Test(
        "Validated reading ends with the last field that rules use",
        arguments: [
            (#"{"a":["x"]}"#, #"{"a":"x","b":tru"#), (#"{"d":{"a":["x"]}}"#, #"{"d":{"b":1,"a":"x","c":[}"#),
            (#"{"d":{"a":["x"]}}"#, #"{"d":[{"a":"y"},{"a":"x","c":"}]"}],"z":01"#),
            (#"{"a":["x"],"d":{"e":{"f":[1]}}}"#, #"{"d":{"e":{"f":1,"g":"\""},"h":{}},"a":"x",,"#),
        ])
    func endsEarly(rule: String, event: String) throws {
        let matcher = Matcher([(1, try EventPattern(parsing: rule))])
        #expect(try matcher.matches(in: Array(event.utf8), reading: .validated) == [1])
        #expect(throws: EventError.self) { try matcher.matches(in: event) }
    }

    @Test("An empty list of exclusions is refused in the reference's words, or in ours")
    func emptyExclusion() throws {
        let text = #"{"a":[{"anything-but":{"prefix":[]}}]}"#
        let reference = try #require(throws: PatternError.self) { try EventPattern(parsing: text) }
        #expect(reference.message.hasPrefix("Cannot invoke"))
        let ours = try #require(throws: PatternError.self) { try EventPattern(parsing: text, dialect: .extended) }
        #expect(ours.message.contains("Empty arrays are not allowed"))
    }

    @Test("Facts refuse what is no event")
    func badFacts() {
        #expect(throws: EventError.self) { try EventFacts.reading(of: Array("[1]".utf8)) }
        #expect(throws: EventError.self) { try EventFacts.reading(of: Array(#"{"a":01}"#.utf8)) }
    }

    @Test("What one branch fails ends the others only where it ends them for every choice of elements")
    func commonConditions() throws {
        let cases: [(pattern: String, event: String)] = [
            // An absence that all branches ask holds in another element.
            (
                #"{"$or":[{"arr":{"c":[{"exists":false},"v"]}},{"arr":{"b":["x"],"c":[{"exists":false},"v"]}}]}"#,
                #"{"arr":[{"c":"w"},{"b":"x"}]}"#
            ),
            // One branch asks the same in two ways; the other does not ask it at all.
            (
                #"{"$or":[{"d":{"a":[{"all-of":[{"prefix":"x"},{"wildcard":"x*"}]}],"c":["1"]}},{"d":{"b":["2"]}}]}"#,
                #"{"d":{"c":"1","a":"y","b":"2"}}"#
            ),
            (
                #"{"$or":[{"d":{"a":[{"all-of":[{"prefix":"x"},{"wildcard":"x*"}]}],"c":["1"]}},{"d":{"b":["2"]}}]}"#,
                #"{"d":{"a":"y","c":"1","b":"2"}}"#
            ),
        ]
        for (text, event) in cases {
            let pattern = try EventPattern(parsing: text, dialect: .extended)
            #expect(try Matcher([(1, pattern)]).matches(in: event) == [1], "\(text) \(event)")
        }
    }
}
