import EventPatterns
import Testing

@Suite("Explanations")
struct ExplainTests {
    private let event = """
        {"source":"aws.s3","detail":{"bucket":{"name":"Orders"},"object":{"key":"in/a.csv","size":12},"tags":[],\
        "lines":[{"sku":"A","count":1},{"sku":"B","count":2}]}}
        """

    private func failure(_ pattern: String) throws -> Explanation.Failure {
        let explanation = try EventPattern(parsing: pattern).explain(event)
        #expect(!explanation.matches)
        return try #require(explanation.failure)
    }

    @Test("A match says so")
    func match() throws {
        let explanation = try EventPattern(parsing: #"{"source":["aws.s3"]}"#).explain(event)
        #expect(explanation.matches)
        #expect(explanation.failure == nil)
        #expect(explanation.totalFields == 1)
    }

    @Test("A wrong value names the path, what was expected and what was found")
    func wrongValue() throws {
        let failure = try failure(#"{"source":["aws.s3"],"detail":{"object":{"key":[{"suffix":".png"},"x"]}}}"#)
        #expect(failure.path == "detail.object.key")
        #expect(failure.reason == .value)
        #expect(failure.expected == [#"{"suffix":".png"}"#, #""x""#])
        #expect(failure.found == [#""in/a.csv""#])
    }

    @Test("Of several fields that fail each is named, the first one with its reason in the sentence")
    func others() throws {
        let pattern = #"{"source":["aws.s3"],"detail":{"object":{"key":["x"],"size":[13]},"nothing":["y"]}}"#
        let explanation = try EventPattern(parsing: pattern).explain(event)
        let failures = [try #require(explanation.failure)] + explanation.otherFailures
        #expect(failures.map(\.path) == ["detail.nothing", "detail.object.key", "detail.object.size"])
        #expect(failures.map(\.reason) == [.missing, .value, .value])
        #expect(failures.last?.expected == ["13"] && failures.last?.found == ["12"])
        #expect(explanation.description.hasSuffix(#"; do not pass either: "detail.object.key", "detail.object.size""#))
    }

    @Test("A difference in case is pointed out")
    func caseDiffers() throws {
        #expect(try failure(#"{"detail":{"bucket":{"name":["orders"]}}}"#).hint == "only the case differs")
        #expect(try failure(#"{"detail":{"Bucket":{"name":["Orders"]}}}"#).hint?.contains("case-sensitive") == true)
    }

    @Test("A missing field says where the path ends")
    func missing() throws {
        let failure = try failure(#"{"detail":{"bucket":{"region":["x"]}}}"#)
        #expect(failure.reason == .missing)
        #expect(failure.found.isEmpty)
        #expect(failure.hint == #""detail.bucket" has no field "region""#)
        #expect(try self.failure(#"{"detail":{"bucket":["x"]}}"#).hint?.contains("object") == true)
        #expect(try self.failure(#"{"detail":{"tags":["x"]}}"#).hint?.contains("empty array") == true)
    }

    @Test("Type mistakes are pointed out")
    func types() throws {
        #expect(try failure(#"{"detail":{"object":{"size":["12"]}}}"#).hint?.contains("type") == true)
        #expect(try failure(#"{"detail":{"object":{"key":[{"numeric":[">",1]}]}}}"#).hint?.contains("type") == true)
        let number = "the event has a number there; a value matches only its own JSON type"
        #expect(try failure(#"{"detail":{"object":{"size":["5",{"prefix":"1"}]}}}"#).hint == number)
        #expect(try failure(#"{"detail":{"object":{"size":[null,true]}}}"#).hint == number)
        // Where strings are asked for too, only a text that reads as a number was meant as one.
        let mixed = #"{"a":["x",{"numeric":[">",5]}]}"#
        #expect(try EventPattern(parsing: mixed).explain(#"{"a":"b"}"#).failure?.hint == nil)
        #expect(try EventPattern(parsing: mixed).explain(#"{"a":"7"}"#).failure?.hint?.contains("a string") == true)
    }

    @Test("A field with several conditions is named once; addresses are shown as people write them")
    func sameField() throws {
        let all = try EventPattern(parsing: #"{"tags":[{"all-of":["a",{"prefix":"b"}]}]}"#, dialect: .extended)
        #expect(
            try all.explain(#"{"tags":["c"]}"#).description
                == #"does not match (0 of 2 fields pass): "tags": expected "a", found "c""#)
        for (written, shown) in [
            ("::1", "::1"), ("2001:DB8:0:0:1:0:0:0", "2001:db8:0:0:1::"), ("::", "::"),
            ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
            ("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"), ("010.0.0.1", "10.0.0.1"),
        ] {
            let failure = try EventPattern(parsing: #"{"a":["\#(written)"]}"#).explain(#"{"a":"x"}"#).failure
            #expect(failure?.expected == ["\"\(shown)\""])
        }
        let block = try EventPattern(parsing: #"{"a":[{"cidr":"2001:db8::/32"}]}"#).explain(#"{"a":"x"}"#)
        #expect(block.failure?.expected == [#"{"cidr":"2001:db8::/32"}"#])
    }

    @Test("A field that must not be there")
    func present() throws {
        #expect(try failure(#"{"detail":{"object":{"size":[{"exists":false}]}}}"#).reason == .present)
    }

    @Test("Fields that pass only in different elements of an array")
    func elements() throws {
        let failure = try failure(#"{"detail":{"lines":{"sku":["A"],"count":[2]}}}"#)
        #expect(failure.reason == .differentElements)
        #expect(failure.path == "detail.lines.sku")
        #expect(failure.hint == "it passes, but in no array element together with detail.lines.count")
        // Only the field that is elsewhere is named, not all before it.
        let three = try self.failure(
            #"{"source":["aws.s3"],"detail":{"bucket":{"name":["Orders"]},"lines":{"sku":["A"],"count":[2]}}}"#)
        #expect(three.hint == failure.hint)
        let pattern = try EventPattern(parsing: #"{"l":{"a":[1],"b":[1],"c":[1]}}"#)
        let event = #"{"l":[{"a":1,"b":1},{"b":1,"c":1},{"a":1,"c":1}]}"#
        #expect(try pattern.explain(event).failure?.hint == "it passes, but in no array element together with l.a, l.b")
        let all = try EventPattern(parsing: #"{"l":{"a":[{"all-of":[1,2]}]}}"#, dialect: .extended)
        #expect(
            try all.explain(#"{"l":[{"a":1},{"a":2}]}"#).failure?.hint
                == "its values pass, but in no array element all of them")
    }

    @Test("What the matcher has decided is not called undecided, however many branches there are")
    func manyBranches() throws {
        let branches = (0..<300).map { #"{"a":{"b":[1],"c":[2],"d":[3],"e":[\#($0)],"f":[\#($0)]}}"# }
        let pattern = try EventPattern(parsing: "{\"$or\":[\(branches.joined(separator: ","))]}")
        // Neighbours go together everywhere, in a ring; all five do nowhere.
        let ring = #"{"b":1,"c":2},{"c":2,"d":3},{"d":3,"e":250},{"e":250,"f":250},{"f":250,"b":1}"#
        let event = "{\"a\":[\(Array(repeating: ring, count: 4_000).joined(separator: ","))]}"
        #expect(try !pattern.matches(event))
        let explanation = try pattern.explain(event)
        #expect(explanation.branch == 250 && explanation.passedFields == 4)
        #expect(explanation.failure?.reason == .differentElements, "\(explanation)")
    }

    @Test("A field that is absent beside the elements of others makes a branch match")
    func absentBeside() throws {
        let pattern = try EventPattern(parsing: #"{"l":{"$or":[{"a":[3]},{"a":[1],"b":[{"exists":false}]}]}}"#)
        let explanation = try pattern.explain(#"{"l":[{"a":1},{"a":2,"b":1}]}"#)
        #expect(explanation.matches && explanation.branch == 1, "\(explanation)")
        #expect(try !pattern.explain(#"{"l":[{"a":1,"b":1},{"a":2}]}"#).matches)
    }

    @Test("Of a thousand branches over many values and fields that are missing, the nearest")
    func manyValues() throws {
        let fields = (0..<20).map { "\"m\($0)\":[1]" }.joined(separator: ",")
        let branches = (0..<1000).map { "{\"v\":[\"x\($0)\"],\"w\":[\"y\($0)\"],\($0 == 7 ? "\"a\":[1]" : fields)}" }
        let pattern = try EventPattern(parsing: "{\"$or\":[\(branches.joined(separator: ","))]}")
        let values = (0..<50_000).map { "\"\($0)\"" }.joined(separator: ",")
        let explanation = try pattern.explain("{\"v\":[\(values)],\"w\":[\(values)],\"M1\":1}")
        #expect(explanation.branch == 7 && explanation.otherFailures.map(\.path) == ["v", "w"], "\(explanation)")
        #expect(explanation.failure?.hint == "the event has no field \"a\"")
        let missing = try EventPattern(parsing: "{\(fields)}").explain("{\"v\":[\(values)],\"M1\":1}")
        #expect(missing.otherFailures.count == 19)
        #expect(missing.otherFailures.first?.hint == "there is \"M1\"; field names are case-sensitive")
    }

    @Test("The nearest branch of $or is explained")
    func branches() throws {
        let pattern = try EventPattern(
            parsing:
                #"{"$or":[{"source":["x"],"detail":{"object":{"size":[13]}}},{"source":["aws.s3"],"detail":{"object":{"size":[13]}}}]}"#
        )
        let explanation = try pattern.explain(event)
        #expect(explanation.branch == 1)
        #expect(explanation.passedFields == 1)
        #expect(explanation.totalFields == 2)
        #expect(explanation.description.contains("1 of 2 fields"))
    }

    @Test("Of branches with as many failing fields, the one of which more pass")
    func nearestOfEqual() throws {
        let pattern = try EventPattern(
            parsing: #"{"$or":[{"account":["x"]},{"source":["aws.s3"],"detail":{"object":{"size":[13]}}}]}"#)
        let explanation = try pattern.explain(event)
        #expect(explanation.branch == 1 && explanation.passedFields == 1)
    }

    @Test("Where long texts part is told; many values are counted; texts that look alike are told apart")
    func difference() throws {
        let long = String(repeating: "é", count: 200)
        let parted = try EventPattern(parsing: "{\"a\":[\"\(long)x\"]}").explain("{\"a\":\"\(long)y\"}")
        #expect(
            parted.failure?.hint == #"they are the same for 400 bytes; then expected is "x", found "y""#, "\(parted)")
        let numbers = (1...25).map(String.init).joined(separator: ",")
        let many = try EventPattern(parsing: "{\"a\":[\(numbers)]}").explain(
            "{\"a\":[\((101...140).map(String.init).joined(separator: ","))]}")
        #expect(many.failure?.found.count == 10 && many.failure?.foundCount == 40)
        #expect(
            many.description.contains("10 and 15 more, found 101,") && many.description.hasSuffix("110 and 30 more"))
        let alike = try EventPattern(parsing: "{\"a\":[\"\u{E9}\"]}").explain("{\"a\":\"e\u{301}\"}")
        #expect(alike.failure?.hint?.contains("look alike") == true, "\(alike)")
    }

    @Test("The nearest rules come first")
    func nearest() throws {
        let matcher = Matcher([
            ("far", try EventPattern(parsing: #"{"source":["aws.ec2"],"detail":{"object":{"size":[13]}}}"#)),
            (
                "near",
                try EventPattern(
                    parsing: #"{"source":["aws.s3"],"detail":{"object":{"key":["in/a.csv"],"size":[13]}}}"#)
            ),
            ("half", try EventPattern(parsing: #"{"source":["aws.s3"],"detail":{"object":{"size":[13]}}}"#)),
        ])
        let near = try matcher.nearest(to: Array(event.utf8))
        #expect(near.map(\.id) == ["near", "half"])
        #expect(near.first?.passedFields == 2)
    }

    @Test("A rule whose fields pass in different elements of an array does not lead those that match")
    func nearestInArrays() throws {
        let matcher = Matcher([
            (
                "apart",
                try EventPattern(parsing: #"{"source":["aws.s3"],"detail":{"lines":{"sku":["A"],"count":[2]}}}"#)
            ),
            ("matches", try EventPattern(parsing: #"{"source":["aws.s3"]}"#)),
            // Of the other element there is a count: what must be absent is so beside "A" only where it is asked last.
            ("absent", try EventPattern(parsing: #"{"detail":{"lines":{"sku":["A"],"weight":[{"exists":false}]}}}"#)),
        ])
        let event = self.event.replacing(#""B","count":2"#, with: #""B","count":2,"weight":1"#)
        #expect(Set(try matcher.matches(in: event)) == ["absent", "matches"])
        let near = try matcher.nearest(to: Array(event.utf8))
        #expect(near.map(\.id) == ["absent", "matches", "apart"])
        #expect(near.map(\.passedFields) == [2, 1, 2] && near.map(\.totalFields) == [2, 1, 3])
    }

    @Test(
        "Patterns that can never match",
        arguments: [
            (#"{"account":[111122223333]}"#, true), (#"{"account":["111122223333"]}"#, false),
            (#"{"detail":["x"]}"#, true), (#"{"bucket":["x"]}"#, true), (#"{"source":{"a":["x"]}}"#, true),
            (#"{"source":[{"exists":false}]}"#, true), (#"{"detail":{"a":[{"exists":false}]}}"#, false),
            (#"{"detail":{"a":["\ud800"]}}"#, true),
            (#"{"detail":{"a":[{"numeric":[">",1.7976931348623157e308]}]}}"#, true),
            (#"{"$or":[{"account":[1]},{"source":["x"]}]}"#, false),
            (#"{"$or":[{"account":[1]},{"source":[2]}]}"#, true),
            (#"{"source":[{"anything-but":{"wildcard":"*"}}]}"#, true), (#"{"resources":[{"prefix":"arn:"}]}"#, false),
            (#"{"resources":[{"exists":false}]}"#, false), (#"{"source":[{"exists":false}]}"#, true),
        ])
    func impossible(pattern: String, isImpossible: Bool) throws {
        #expect((try EventPattern(parsing: pattern).impossibility() != nil) == isImpossible)
    }
}
