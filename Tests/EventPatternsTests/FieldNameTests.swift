import EventPatterns
import Testing

/// Names are compared with those of the event before, up to 32 bytes of them.
@Suite("Field names of events that are nearly alike", .timeLimit(.minutes(2)))
struct FieldNameTests {
    @Test("Names of any length, that differ in one byte, at the end of the event and before it")
    func names() throws {
        let scratch = MatchScratch()
        for length in 1...40 {
            let name = (0..<length).map { String("abcdefghijklmnopqrstuvwxyz".dropFirst($0 % 26).prefix(1)) }.joined()
            let matcher = Matcher([
                (1, try EventPattern(parsing: "{\"\(name)\":[\"x\"],\"in\":{\"\(name)\":[{\"exists\":false}]}}"))
            ])
            for place in 0..<length {
                var bytes = Array(name.utf8)
                bytes[place] = UInt8(ascii: "_")
                let other = String(decoding: bytes, as: UTF8.self)
                for rest in [
                    "", ",\"q\":[{\"\(name)\":1,\"\(other)\":2}],\"something longer\":\"of some bytes more than that\"",
                ] {
                    for (used, wanted) in [(name, [1]), (other, []), (name, [1]), (name + "_", [])] {
                        let event = "{\"\(used)\":\"x\",\"in\":{\"\(other)\":1}\(rest)}"
                        #expect(try matcher.matches(in: event, scratch: scratch) == wanted, "\(event)")
                    }
                }
            }
        }
    }
}
