import EventModel
import Testing

@Suite("Times and ids")
struct TimestampTests {
    @Test(
        "RFC 3339 in and out",
        arguments: [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
            ("2021-11-12T00:00:00Z", 1_636_675_200_000_000_000, "2021-11-12T00:00:00Z"),
            ("2000-02-29T23:59:59.5Z", 951_868_799_500_000_000, "2000-02-29T23:59:59.500Z"),
            ("2000-02-29t23:59:59.000001+01:30", 951_863_399_000_001_000, "2000-02-29T22:29:59.000001Z"),
            ("1969-12-31T23:59:59.123456789123Z", -876_543_211, "1969-12-31T23:59:59.123456789Z"),
            ("2016-12-31T23:59:60Z", 1_483_228_799_000_000_000, "2016-12-31T23:59:59Z"),
        ] as [(String, Int64, String)])
    func roundTrip(text: String, nanoseconds: Int64, printed: String) {
        let value = Timestamp(rfc3339: text)
        #expect(value?.nanosecondsSinceEpoch == nanoseconds)
        #expect(value?.description == printed)
        #expect(Timestamp(rfc3339: printed) == value)
    }

    @Test(
        "what is no time",
        arguments: [
            "", "2021-11-12", "2021-11-12T00:00:00", "2021-02-29T00:00:00Z", "2021-13-01T00:00:00Z",
            "2021-11-12T24:00:00Z", "2021-11-12T00:60:00Z", "2021-11-12T00:00:61Z", "2021-11-12T00:00:00.Z",
            "2021-11-12T00:00:00+1:00", "2021-11-12T00:00:00Zx", "9999-11-12T00:00:00Z", "21-11-12T00:00:00Z",
            "2021-11-00T00:00:00Z", "2021-11-12T00:00:00+24:00", "-021-11-12T00:00:00Z",
        ])
    func invalid(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test("milliseconds are rounded down, and end where the range does")
    func milliseconds() {
        #expect(Timestamp(milliseconds: 1500).nanosecondsSinceEpoch == 1_500_000_000)
        #expect(Timestamp(nanosecondsSinceEpoch: -1).milliseconds == -1)
        #expect(Timestamp(milliseconds: .max).nanosecondsSinceEpoch == .max)
        #expect(Timestamp(milliseconds: .min).nanosecondsSinceEpoch == .min)
    }

    @Test("the ends of the range have their texts and their whole seconds")
    func ends() throws {
        let first = Timestamp(nanosecondsSinceEpoch: .min)
        #expect(first.description == "1677-09-21T00:12:43.145224192Z")
        #expect(first.wholeSeconds.description == "1677-09-21T00:12:44Z")
        let last = Timestamp(nanosecondsSinceEpoch: .max)
        #expect(last.description == "2262-04-11T23:47:16.854775807Z")
        #expect(last.wholeSeconds.description == "2262-04-11T23:47:16Z")
        let early = try #require(Timestamp(rfc3339: "1677-09-21T00:13:44.2+00:01"))
        #expect(early.rfc3339(fractionDigits: 3) == "1677-09-21T00:12:44.200Z")
        // Within the range, but in a second that begins before it.
        #expect(Timestamp(rfc3339: "1677-09-21T00:13:43.2+00:01") == nil)
    }

    @Test("every day of the range is its own date")
    func days() throws {
        var previous = Int64.min
        for year in 1900...2200 {
            for month in 1...12 {
                for day in 1...28 {
                    let value = try #require(Timestamp(year: year, month: month, day: day, hour: 7))
                    let parts = value.components
                    #expect(parts.year == year && parts.month == month && parts.day == day && parts.hour == 7)
                    #expect(value.nanosecondsSinceEpoch > previous)
                    previous = value.nanosecondsSinceEpoch
                }
            }
        }
        #expect(Timestamp(nanosecondsSinceEpoch: -1).wholeSeconds.description == "1969-12-31T23:59:59Z")
    }

    @Test("ids are UUIDs, and derived ones are the same for the same bytes")
    func ids() {
        let hash = (0..<32).map { UInt8($0 * 7) }
        #expect(EventID.derived(from: hash) == "00070e15-1c23-8a31-b83f-464d545b6269")
        #expect(EventID.derived(from: [0xFF]) == "ff000000-0000-8000-8000-000000000000")
        #expect(EventID.random(.max, .max) == "ffffffff-ffff-4fff-bfff-ffffffffffff")
        #expect(EventID.random() != EventID.random())
        var generator = EventID.Generator()
        let ids = Set((0..<1000).map { _ in generator.next() })
        #expect(ids.count == 1000)
        #expect(ids.allSatisfy { $0.utf8.count == 36 && Array($0)[14] == "4" && "89ab".contains(Array($0)[19]) })
    }
}
