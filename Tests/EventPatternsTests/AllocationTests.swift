import CAllocations
import EventPatterns
import FunctionJSON
import Testing

/// Allocations are counted where the test's own thread asks for memory; see `CAllocations`.
@Suite(
    "Allocations",
    .enabled(if: callocations_are_counted() == 1, "a sanitizer brings an allocator of its own"))
struct AllocationTests {
    private final class Canary {}

    @Test("An object that comes and goes is seen")
    func counting() {
        #expect(allocations { withExtendedLifetime(Canary()) {} } >= 1)
        #expect(allocations {} == 0)
    }

    @Test("Matching allocates nothing once the scratch has grown", arguments: BenchKind.allCases)
    func steadyState(kind: BenchKind) throws {
        let matcher = Matcher(
            try (kind.rules(count: 200, seed: 31) + HostileRules.all(for: kind).map(\.pattern)).enumerated()
                .map { ($0, try EventPattern(parsing: $1, dialect: .extended)) })
        let events =
            kind.usesObjectEvents
            ? BenchEvents.objectCreated(count: 50, buckets: 20, seed: 32)
            : BenchEvents.cityLots(count: 50, seed: 32)
        #expect(try allocations(matcher, events) == 0)
    }

    @Test("Nor does any operator, where it matches and where it does not")
    func operators() throws {
        let tests: [(test: String, passes: String, fails: String)] = [
            (#""abc""#, #""abc""#, #""abd""#), ("100", "1e2", "101"), ("true", "true", "false"),
            ("null", "null", #""null""#),
            (#""""#, #""""#, "null"), (#"{"exactly":"10.0.0.1"}"#, #""10.0.0.1""#, #""10.0.0.01""#),
            (#""10.0.0.1""#, #""10.0.0.01""#, #""10.0.0.2""#), (#"{"prefix":"ab"}"#, #""abc""#, #""ba""#),
            (#"{"suffix":"bc"}"#, #""abc""#, #""ba""#),
            (#"{"prefix":{"equals-ignore-case":"ÉAB"}}"#, #""éabc""#, #""xéab""#),
            (#"{"suffix":{"equals-ignore-case":"aBÉ"}}"#, #""xABé""#, #""ab""#),
            (#"{"equals-ignore-case":"Straße"}"#, #""STRASSE""#, #""strase""#),
            (#"{"equals-ignore-case":"abc"}"#, #""ABC""#, #""abd""#),
            (#"{"wildcard":"a*b*c"}"#, #""axbxc""#, #""axc""#),
            (#"{"wildcard":{"equals-ignore-case":"a*É*c"}}"#, #""AxéxC""#, #""axc""#),
            (#"{"anything-but":"a"}"#, #""b""#, #""a""#), (#"{"anything-but":[1,2]}"#, "3", "2"),
            (#"{"anything-but":{"prefix":["a","b"]}}"#, #""ca""#, #""ab""#),
            (#"{"anything-but":{"suffix":"a"}}"#, #""ab""#, #""ba""#),
            (#"{"anything-but":{"equals-ignore-case":["É","a"]}}"#, #""b""#, #""é""#),
            (#"{"anything-but":{"wildcard":["*a*b*","*c*"]}}"#, #""ba""#, #""xaxb""#),
            (#"{"numeric":[">",1,"<=",9007199254740992]}"#, "9007199254740992", "1"),
            (#"{"numeric":["<",0]}"#, "-0.1234567890123456", "123456789012345678"),
            (#"{"numeric":["<",0]}"#, "-1.2345678901234567e30", "1.2345678901234567e-40"),
            (#"{"numeric":["<",0]}"#, "-1.7976931348623157e308", "4.9e-324"),
            ("1.234567890123456e-40", "0.01234567890123456e-38", "1.234567890123457e-40"),
            (#"{"exists":true}"#, "[null]", "{}"), (#"{"exists":false}"#, "{}", "1"),
            (#"{"cidr":"10.0.0.0/8"}"#, #""10.1.2.3""#, #""11.0.0.0""#),
            (#"{"cidr":"2001:db8::/32"}"#, #""2001:db8::1""#, #""2001:db9::""#),
            (#"{"cidr":"10.0.0.0/8"}"#, #""0010.1.2.3""#, #""0010.1.2.3.4""#),
            (#"{"regex":"a(b|cd)*[0-9]{2}"}"#, #""abcd12""#, #""abc12""#),
            (#"{"regex":"é.*"}"#, #""éa""#, #""ée\u0301\n""#),
            (#"{"all-of":["x",{"prefix":"y"}]}"#, #"["yy","x"]"#, #"["x"]"#),
            (
                #"{"date":[">=","2026-01-01T00:00:00Z"]}"#, #""2026-01-01T01:00:00+01:00""#,
                #""2025-12-31T23:59:59Z""#
            ),
            (
                #"{"time-of-day":[">=","22:00","<","06:00","zone","+01:00"]}"#, #""2026-01-01T21:30:00Z""#,
                #""2026-01-01T05:00:00Z""#
            ),
        ]
        for (test, passes, fails) in tests {
            let pattern = try EventPattern(parsing: "{\"k\":[\(test)],\"z\":[1]}", dialect: .extended)
            let or = try EventPattern(
                parsing: "{\"$or\":[{\"k\":[\(test)]},{\"z\":[2]}]}", dialect: .extended)
            let matcher = Matcher([(0, pattern), (1, or)])
            let events = [passes, fails].map { Array("{\"k\":\($0),\"z\":1,\"y\":\"\\u00e9\"}".utf8) }
            #expect(Set(try matcher.matches(in: events[0])) == [0, 1], "\(test)")
            #expect(try matcher.matches(in: events[1]) == [], "\(test)")
            #expect(try allocations(matcher, events) == 0, "\(test)")
        }
    }

    /// How often matching some events asks for memory once the scratch has grown.
    private func allocations(_ matcher: Matcher<Int>, _ events: [[UInt8]]) throws -> Int {
        // Plain memory and a closure without captures, so that only the engine could allocate.
        let texts = events.map { event in
            let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: event.count)
            _ = copy.initialize(from: event)
            return UnsafeBufferPointer(copy)
        }
        defer { for text in texts { text.deallocate() } }
        let parts = try events.map(lastObject)
        let nodes = parts.map { part in
            part.document.withNodes { nodes in
                let copy = UnsafeMutableBufferPointer<TapeNode>.allocate(capacity: nodes.count)
                _ = copy.initialize(from: nodes)
                return UnsafeBufferPointer(copy)
            }
        }
        defer { for nodes in nodes { nodes.deallocate() } }
        let readings = zip(parts, nodes).map { part, nodes in
            EventReading.validated(knowing: part.traits.place, of: nodes, at: part.sourceRange.lowerBound)
        }
        let scratch = MatchScratch()
        let pass = {
            // Unoptimised, an array's iterator allocates; its subscript does not.
            for index in 0..<texts.count {
                try? matcher.forEachMatch(in: texts[index], scratch: scratch) { _ in }
                try? matcher.forEachMatch(in: texts[index], reading: .validated, scratch: scratch) { _ in }
                try? matcher.forEachMatch(in: texts[index], reading: readings[index], scratch: scratch) { _ in }
            }
        }
        pass()
        pass()
        let size = scratch.byteCount
        let count = allocations(pass)
        #expect(scratch.byteCount == size)
        return count
    }

    /// The last object of an event, or the event, parsed, as the host has its detail.
    private func lastObject(_ event: [UInt8]) throws -> JSONNode {
        let root = try JSONDocument(parsing: event).root
        return root.members.map(\.value).last { $0.kind == .object } ?? root
    }

    private func allocations(_ body: () -> Void) -> Int {
        let before = callocations_of_this_thread()
        body()
        return callocations_of_this_thread() - before
    }
}
