import EventPatterns
import Testing

@Suite("Extensions of the language", .timeLimit(.minutes(5)))
struct ExtensionTests {
    private func pattern(_ text: String) throws -> EventPattern {
        try EventPattern(parsing: text, dialect: .extended)
    }

    private func matches(_ test: String, _ value: String) throws -> Bool {
        try pattern("{\"a\":[\(test)]}").matches("{\"a\":\(value)}")
    }

    @Test(
        "Refused in EventBridge's dialect, marked in the extended one",
        arguments: [
            (#"{"a":[{"regex":"x+"}]}"#, PatternExtension.regex), (#"{"a":[{"all-of":["x","y"]}]}"#, .allOf),
            (#"{"a":[{"wildcard":{"equals-ignore-case":"A*"}}]}"#, .wildcardIgnoreCase),
            (#"{"a":[{"date":[">","2026-01-01T00:00:00Z"]}]}"#, .date),
            (#"{"a":[{"time-of-day":[">","22:00"]}]}"#, .timeOfDay),
        ])
    func dialects(text: String, used: PatternExtension) throws {
        #expect(throws: PatternError.self) { try EventPattern(parsing: text) }
        #expect(try pattern(text).extensions == [used])
        #expect(try pattern(#"{"a":["x",{"wildcard":"a*"}]}"#).extensions.isEmpty)
    }

    @Test(
        "Regular expressions match whole strings",
        arguments: [
            ("abc", "abc", true), ("abc", "abcd", false), ("", "", true), ("", "x", false), ("a*", "", true),
            ("a*", "aaaa", true),
            ("a+b?", "aab", true), ("a+b?", "b", false), ("(ab|cd)+", "abcdab", true), ("(ab|cd)+", "abc", false),
            ("a{2,3}", "a", false), ("a{2,3}", "aaa", true), ("a{2,3}", "aaaa", false), ("a{2}", "aa", true),
            ("a{2,}", "aaaaa", true), ("a{0,2}b", "b", true), ("[a-c]x", "bx", true), ("[^a-c]x", "bx", false),
            ("[^a-c]x", "dx", true), ("[]a]", "]", true), ("[a-]", "-", true), (".", "é", true), (".", "😀", true),
            ("..", "é", false),
            ("[é-ü]+", "éüö", true), ("[é-ü]+", "éx", false), ("[^a]", "😀", true), ("[😀-😂]", "😁", true),
            ("[😀-😂]", "😃", false),
            ("[\\u{80}-\\u{10FFFF}]", "x", false), ("\\d{4}-\\d{2}", "2026-11", true), ("\\w+", "a_9", true),
            ("\\w+", "a-9", false),
            ("a\\.b", "a.b", true), ("a\\.b", "axb", false), ("(a|b)*abb", "ababb", true), ("(|a)b", "b", true),
            ("\\S+", "a b", false),
            ("logs/.*/part-[0-9]+\\.parquet", "logs/2026/11/part-00017.parquet", true),
            ("logs/.*/part-[0-9]+\\.parquet", "logs/2026/11/part-.parquet", false), (".*", "line\nbreak", false),
        ])
    func regex(expression: String, text: String, wanted: Bool) throws {
        if expression.contains("u{80}") { return }
        var escaped = ""
        for character in expression { escaped += character == "\\" ? "\\\\" : String(character) }
        let value = text.contains("\n") ? "\"line\\nbreak\"" : "\"\(text)\""
        #expect(try matches("{\"regex\":\"\(escaped)\"}", value) == wanted)
    }

    @Test("Ranges of characters agree with their members over many borders")
    func characterRanges() throws {
        var random = SeededGenerator(seed: 9)
        let borders: [UInt32] = [
            0x20, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x3FFFF, 0x40000, 0x10FFFF,
        ]
        for _ in 0..<150 {
            var ends = [borders[random.below(borders.count)], UInt32(random.below(0x110000))].sorted()
            ends = ends.map { Unicode.Scalar($0) == nil ? 0xE000 : $0 }.map { $0 < 0x61 ? 0x61 : $0 }
            guard let low = Unicode.Scalar(ends[0]), let high = Unicode.Scalar(ends[1]), low <= high, low != "\\",
                low != "]",
                high != "\\", high != "]"
            else { continue }
            let rule = Matcher([(0, try pattern("{\"a\":[{\"regex\":\"[\(low)-\(high)]\"}]}"))])
            for _ in 0..<40 {
                let near = [ends[0], ends[1], UInt32(random.below(0x110000))][random.below(3)]
                guard let scalar = Unicode.Scalar(near &+ UInt32(random.below(3)) &- 1), scalar.value > 0x22,
                    scalar != "\\"
                else { continue }
                let found = try !rule.matches(in: "{\"a\":\"\(scalar)\"}").isEmpty
                #expect(found == (scalar >= low && scalar <= high))
            }
        }
    }

    @Test(
        "Malformed regular expressions",
        arguments: [
            "(", ")", "a**", "*", "[a", "[b-a]", "a{2,1}", "a{", "a{x}", "\\\\q", "\\\\", "^a", "a$", "a{1001}",
            "(a{100}){100}", "(((){1000}){1000}){1000}",
        ])
    func badRegex(expression: String) throws {
        let error = try #require(throws: PatternError.self) { try pattern("{\"a\":[{\"regex\":\"\(expression)\"}]}") }
        #expect(error.message.contains("regex"))
    }

    @Test("A Unicode category and all-of inside all-of are refused in words of their own")
    func ownWords() throws {
        for (test, words) in [
            (#"{"regex":"\\p{L}+"}"#, "a Unicode category, is not supported"),
            (#"{"regex":"[\\P{Lu}]"}"#, "list the characters"),
            (#"{"all-of":[{"all-of":["x"]}]}"#, "all-of is not supported inside all-of"),
            (#"{"all-of":["x"]},{"all-of":["y"]}"#, "all-of must be the only value of its array"),
        ] {
            let error = try #require(throws: PatternError.self) { try pattern("{\"a\":[\(test)]}") }
            #expect(error.message.contains(words), "\(error.message)")
        }
    }

    @Test("Regular expressions are linear where backtracking explodes")
    func linear() throws {
        let rule = try pattern(#"{"a":[{"regex":"(a|a)*(a|aa)+(a*)*b"}]}"#)
        let event = "{\"a\":\"\(String(repeating: "a", count: 300_000))\"}"
        let clock = ContinuousClock()
        var found = true
        let time = try clock.measure { found = try rule.matches(event) }
        #expect(!found)
        #expect(time < .seconds(15))
    }

    @Test(
        "all-of wants a value for each",
        arguments: [
            (#"{"all-of":["x","y"]}"#, #"["x","y","z"]"#, true), (#"{"all-of":["x","y"]}"#, #"["x","z"]"#, false),
            (#"{"all-of":["x",{"prefix":"x"}]}"#, #""x""#, true),
            (#"{"all-of":[{"numeric":[">",1]},{"numeric":["<",5]}]}"#, "3", true),
            (#"{"all-of":[{"prefix":"a"},{"suffix":"z"}]}"#, #"["ab","yz"]"#, true),
            (#"{"all-of":["x"]}"#, "[]", false),
        ])
    func allOf(test: String, value: String, wanted: Bool) throws {
        #expect(try matches(test, value) == wanted)
    }

    @Test("all-of stands alone, with something in it")
    func badAllOf() {
        for text in [
            #"["x",{"all-of":["y"]}]"#, #"[{"all-of":[]}]"#, #"[{"all-of":"x"}]"#, #"[{"all-of":[{"all-of":["x"]}]}]"#,
            #"[{"all-of":[{"exists":false}]}]"#, #"[{"all-of":["x"],"prefix":"y"}]"#,
        ] {
            #expect(throws: PatternError.self) { try pattern("{\"a\":\(text)}") }
        }
    }

    @Test(
        "Wildcards that ignore case",
        arguments: [
            ("In*.CSV", "incoming/A.csv", true), ("In*.CSV", "incoming/A.csvx", false), ("*ÉTÉ*", "l'été 2026", true),
            ("straße*", "STRASSE 5", true), ("a*b*c", "AxxBxxC", true), ("a*b*c", "AxxC", false), ("*", "", true),
            ("*\u{10400}", "x\u{10428}", true),
            ("ab", "AB", true), ("ab", "ABC", false), ("\\\\*x", "*X", true),
        ])
    func wildcardIgnoringCase(wildcard: String, text: String, wanted: Bool) throws {
        #expect(try matches("{\"wildcard\":{\"equals-ignore-case\":\"\(wildcard)\"}}", "\"\(text)\"") == wanted)
        #expect(try !matches("{\"wildcard\":{\"equals-ignore-case\":\"\(wildcard)\"}}", "5"))
    }

    @Test(
        "Dates and times",
        arguments: [
            (#"[">=","2026-01-01T00:00:00Z","<","2027-01-01T00:00:00Z"]"#, "2026-11-21T05:15:00Z", true),
            (#"[">=","2026-01-01T00:00:00Z","<","2027-01-01T00:00:00Z"]"#, "2027-01-01T00:00:00Z", false),
            (#"[">=","2026-01-01T00:00:00Z","<","2027-01-01T00:00:00Z"]"#, "2027-01-01T00:30:00+01:00", true),
            (#"[">","2026-01-01"]"#, "2026-01-01", false),
            (#"[">","2026-01-01"]"#, "2026-01-01T00:00:00.000001Z", true),
            (#"["=","2026-01-01T12:00:00Z"]"#, "2026-01-01T13:00:00+01:00", true),
            (#"["<","1970-01-01"]"#, "1969-12-31T23:59:59Z", true),
            (#"["<=","2024-02-29"]"#, "2024-02-29T00:00:00Z", true), (#"[">","2000-01-01"]"#, "not a date", false),
            (#"[">","2000-01-01"]"#, "2023-02-29", false), (#"[">","2000-01-01"]"#, "2024-13-01", false),
            (#"[">","0001-01-01"]"#, "9999-12-31T23:59:60Z", true),
            (#"["<","2017-01-01"]"#, "2016-12-31T23:59:60Z", true),
            (#"[">","2000-01-01"]"#, "2026-04-31T00:00:00Z", false),
            (#"[">","2000-01-01"]"#, "2026-04-30T00:00:00+24:00", false),
            (#"[">","2000-01-01"]"#, "2026-01-01T00:00:00", false),
        ])
    func dates(range: String, text: String, wanted: Bool) throws {
        #expect(try matches("{\"date\":\(range)}", "\"\(text)\"") == wanted)
    }

    @Test(
        "Malformed date ranges",
        arguments: [
            "[]", #""2026-01-01""#, #"["after","2026-01-01"]"#, #"[">","yesterday"]"#,
            #"[">","2026-01-01",">","2026-01-02"]"#,
            #"[">","2026-01-02","<","2026-01-01"]"#, "[1]", #"[">"]"#,
        ])
    func badDates(range: String) {
        #expect(throws: PatternError.self) { try pattern("{\"a\":[{\"date\":\(range)}]}") }
    }

    @Test("Many extended rules in one matcher")
    func together() throws {
        var rules: [(Int, EventPattern)] = []
        for index in 0..<60 {
            rules.append((index, try pattern("{\"a\":[{\"regex\":\"k\(index)(x|y)*\"}]}")))
            rules.append(
                (100 + index, try pattern("{\"a\":[{\"wildcard\":{\"equals-ignore-case\":\"K\(index)*Y\"}}]}")))
            rules.append((200 + index, try pattern("{\"t\":[{\"date\":[\">=\",\"20\(10 + index)-01-01\"]}]}")))
        }
        let matcher = Matcher(rules)
        #expect(Set(try matcher.matches(in: #"{"a":"k7xy"}"#)) == [7, 107])
        #expect(try matcher.matches(in: #"{"t":"2012-06-01T00:00:00Z"}"#).count == 3)
        #expect(try pattern(#"{"a":[{"regex":"x"}]}"#).explain(#"{"a":"y"}"#).failure?.expected == [#"{"regex":"x"}"#])
    }
}
