import HostAPI
import Testing

@Suite("Timestamps of the API")
struct TimestampTests {
    @Test(
        "Text and milliseconds",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_795_233_906_789, "2026-11-21T04:05:06.789Z"),
            (4_102_444_799_999, "2099-12-31T23:59:59.999Z"),
        ])
    func text(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
        #expect(Timestamp(text)?.milliseconds == milliseconds)
    }

    @Test("Offsets and fractions")
    func offsets() {
        #expect(Timestamp("1970-01-01T01:00:00+01:00")?.milliseconds == 0)
        #expect(Timestamp("1969-12-31T22:30:00-01:30")?.milliseconds == 0)
        #expect(Timestamp("1970-01-01T00:00:00.5Z")?.milliseconds == 500)
        #expect(Timestamp("1970-01-01T00:00:00.123456789Z")?.milliseconds == 123)
    }

    @Test(
        "What is no time",
        arguments: [
            "", "now", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z", "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00Zx", "1970-01-01T00:00:00+1",
        ])
    func invalid(text: String) {
        #expect(Timestamp(text) == nil)
    }
}
