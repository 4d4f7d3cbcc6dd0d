import EventPatterns
import Foundation
import Testing

@Suite("Times of the day", .timeLimit(.minutes(2)))
struct TimeOfDayTests {
    @Test(
        "The cases, one at a time and all in one matcher",
        .enabled(if: FileManager.default.fileExists(atPath: "/usr/share/zoneinfo/Europe/Berlin")))
    func cases() throws {
        let cases = try CaseFile.load("time-of-day.jsonl")
        #expect(cases.count > 80)
        var rules: [(Int, EventPattern)] = []
        for line in cases {
            let answer = CaseAnswer.answer(pattern: line.item.pattern, event: line.item.event, dialect: .extended)
            if !line.item.accepts(answer) { Issue.record("\(line): \(answer)") }
            guard line.item.error == nil else { continue }
            rules.append((line.number, try EventPattern(parsing: line.item.pattern, dialect: .extended)))
        }
        let matcher = Matcher(rules).adding(try [(-1, EventPattern(parsing: #"{"other":[1]}"#))])
        let scratch = MatchScratch()
        for line in cases where line.item.error == nil {
            let ids = try matcher.matches(in: line.item.event, scratch: scratch)
            if ids.contains(line.number) != line.item.matches { Issue.record("\(line): wrong among all") }
        }
    }

    @Test("Among alternatives, in branches and beside other fields")
    func together() throws {
        let night = #"{"time-of-day":[">=","22:00","<","06:00"]}"#
        let noon = #"{"time-of-day":["=","12:00"]}"#
        let rules = [
            #"{"t":[\#(night),"never",\#(noon)]}"#, #"{"$or":[{"t":[\#(night)]},{"u":[\#(noon)]}]}"#,
            #"{"t":[\#(night)],"u":[1]}"#, #"{"e":{"t":[\#(night)],"u":[1]}}"#,
            #"{"t":[{"all-of":[\#(night),\#(noon)]}]}"#,
        ].enumerated()
        let matcher = Matcher(try rules.map { ($0, try EventPattern(parsing: $1, dialect: .extended)) })
        func found(_ event: String) throws -> [Int] { try matcher.matches(in: event).sorted() }
        #expect(try found(#"{"t":"2026-11-21T23:00:00Z","u":1}"#) == [0, 1, 2])
        #expect(try found(#"{"t":"2026-11-21T12:00:00Z","u":"2026-11-21T12:00:00Z"}"#) == [0, 1])
        #expect(try found(#"{"t":"never"}"#) == [0])
        #expect(try found(#"{"t":["2026-11-21T12:00:00Z","2026-11-21T23:00:00Z"]}"#) == [0, 1, 4])
        #expect(try found(#"{"e":[{"t":"2026-11-21T23:00:00Z","u":2},{"t":"2026-11-21T13:00:00Z","u":1}]}"#) == [])
        #expect(try found(#"{"e":[{"t":"2026-11-21T23:00:00Z","u":1}]}"#) == [3])
    }

    @Test("Explain shows the range as it was written")
    func explains() throws {
        let pattern = try EventPattern(
            parsing: #"{"t":[{"time-of-day":[">=","22:00","<","06:00","zone","+01:00"]}]}"#, dialect: .extended)
        let failure = try #require(try pattern.explain(#"{"t":"2026-11-21T12:00:00Z"}"#).failure)
        #expect(failure.expected == [#"{"time-of-day":[">=","22:00","<","06:00","zone","+01:00"]}"#])
        #expect(try pattern.explain(#"{"t":"2026-11-21T21:00:00Z"}"#).failure == nil)
        #expect(pattern.impossibility(envelope: false) == nil)
    }
}
