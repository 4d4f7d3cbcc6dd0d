import HostAPI
import Testing

@Suite("Times of the API")
struct APITimeTests {
    @Test(
        "Text and milliseconds",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_795_233_906_789, "2026-11-21T04:05:06.789Z"),
            (4_102_444_799_999, "2099-12-31T23:59:59.999Z"),
        ])
    func text(milliseconds: Int64, text: String) {
        #expect(APITime(milliseconds: milliseconds).description == text)
        #expect(APITime(rfc3339: text)?.milliseconds == milliseconds)
    }

    @Test("Offsets and fractions")
    func offsets() {
        #expect(APITime(rfc3339: "1970-01-01T01:00:00+01:00")?.milliseconds == 0)
        #expect(APITime(rfc3339: "1969-12-31T22:30:00-01:30")?.milliseconds == 0)
        #expect(APITime(rfc3339: "1970-01-01T00:00:00.5Z")?.milliseconds == 500)
        #expect(APITime(rfc3339: "1970-01-01T00:00:00.123456789Z")?.milliseconds == 123)
    }

    @Test(
        "What is no time",
        arguments: [
            "", "now", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z", "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00Zx", "1970-01-01T00:00:00+1", "2026-02-31T00:00:00Z",
            "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-00T00:00:00Z", "2026-00-01T00:00:00Z",
            "2026-02-28T00:00:00+99:99", "2026-02-28T00:00:00+24:00", "2026-02-28T00:00:00-00:60",
            "2026-02-28T00:00:61Z",
        ])
    func invalid(text: String) {
        #expect(APITime(rfc3339: text) == nil)
    }

    @Test("Years that a Timestamp does not reach, and a leap second as everywhere else")
    func edges() {
        #expect(APITime(rfc3339: "9999-12-31T00:00:00Z")?.description == "9999-12-31T00:00:00.000Z")
        #expect(APITime(rfc3339: "0001-01-01T00:00:00Z")?.description == "0001-01-01T00:00:00.000Z")
        #expect(APITime(rfc3339: "2016-12-31T23:59:60Z") == APITime(rfc3339: "2016-12-31T23:59:59Z"))
        #expect(APITime(rfc3339: "2028-02-29T00:00:00Z") != nil)
    }
}
