import Foundation
import Schedules
import Testing

private func zone(_ name: String) throws -> TimeZoneRules {
    try TimeZoneRules(file: Array(Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(name)"))))
}

private func due(_ expression: String, _ name: String, after: String, count: Int) throws -> [String] {
    let zone = try zone(name)
    let schedule = try Schedule(ScheduleExpression(expression), zone: zone, deployed: 0)
    var moment = try #require(CivilTime(after)).seconds
    var found: [String] = []
    for _ in 0..<count {
        guard let next = schedule.next(after: moment) else { break }
        found.append(CivilTime(seconds: next).description)
        moment = next
    }
    return found
}

@Suite("Time zones", .enabled(if: FileManager.default.fileExists(atPath: "/usr/share/zoneinfo/Europe/Berlin")))
struct ZoneTests {
    @Test("a time on the zone's clocks, in winter and in summer")
    func seasons() throws {
        #expect(
            try due("cron(0 2 * * ? *)", "Europe/Berlin", after: "2026-01-01T00:00:00", count: 1) == [
                "2026-01-01T01:00:00"
            ])
        #expect(
            try due("cron(0 2 * * ? *)", "Europe/Berlin", after: "2026-07-01T00:30:00", count: 1) == [
                "2026-07-02T00:00:00"
            ])
        #expect(
            try due("cron(0 9 ? * MON *)", "America/New_York", after: "2026-11-21T00:00:00", count: 1)
                == ["2026-11-23T14:00:00"])
        #expect(
            try due("at(2026-07-01T12:00:00)", "Asia/Kolkata", after: "2026-01-01T00:00:00", count: 2) == [
                "2026-07-01T06:30:00"
            ])
    }

    @Test("the skipped hour: not made up for, the days around it as ever")
    func springForward() throws {
        // 2026-03-29, 02:00 becomes 03:00 in Berlin.
        #expect(
            try due("cron(30 2 * * ? *)", "Europe/Berlin", after: "2026-03-28T00:00:00", count: 2)
                == ["2026-03-28T01:30:00", "2026-03-30T00:30:00"])
        #expect(
            try due("cron(0/30 1-3 29 3 ? 2026)", "Europe/Berlin", after: "2026-03-01T00:00:00", count: 10)
                == ["2026-03-29T00:00:00", "2026-03-29T00:30:00", "2026-03-29T01:00:00", "2026-03-29T01:30:00"])
        let zone = try zone("Europe/Berlin")
        #expect(zone.moments(of: CivilTime(2026, 3, 29, 2, 30)).isEmpty)
        #expect(throws: ScheduleError.self) {
            try Schedule(ScheduleExpression("at(2026-03-29T02:30:00)"), zone: zone, deployed: 0)
        }
    }

    @Test("the repeated hour: once, the first time")
    func fallBack() throws {
        // 2026-10-25, 03:00 becomes 02:00 in Berlin: 02:30 is at 00:30 and at 01:30 UTC.
        #expect(
            try due("cron(30 2 * * ? *)", "Europe/Berlin", after: "2026-10-24T12:00:00", count: 2)
                == ["2026-10-25T00:30:00", "2026-10-26T01:30:00"])
        #expect(
            try due("cron(0/30 * 25 10 ? 2026)", "Europe/Berlin", after: "2026-10-24T23:45:00", count: 4)
                == ["2026-10-25T00:00:00", "2026-10-25T00:30:00", "2026-10-25T02:00:00", "2026-10-25T02:30:00"])
        // Asked in the midst of the second pass.
        #expect(
            try due("cron(0/30 * 25 10 ? 2026)", "Europe/Berlin", after: "2026-10-25T01:10:00", count: 1)
                == ["2026-10-25T02:00:00"])
        let zone = try zone("Europe/Berlin")
        #expect(
            zone.moments(of: CivilTime(2026, 10, 25, 2, 30)).map { CivilTime(seconds: $0).description }
                == ["2026-10-25T00:30:00", "2026-10-25T01:30:00"])
    }

    @Test("a rate goes by elapsed time, over both changes")
    func rates() throws {
        let start = CivilTime(2026, 3, 28, 12)
        let schedule = try Schedule(
            ScheduleExpression("rate(1 day)"), zone: zone("Europe/Berlin"), start: start, deployed: 0)
        let moments = schedule.latest(3, after: 0, through: CivilTime(2026, 3, 30, 11).seconds)
        #expect(zip(moments, moments.dropFirst()).allSatisfy { $1 - $0 == 86400 } && moments.count == 3)
    }

    @Test("half hours, southern summers, offsets beyond twelve hours, negative daylight saving")
    func oddZones() throws {
        for (name, utc, expected) in [
            ("Australia/Lord_Howe", "2026-01-01T00:00:00", "2026-01-01T11:00:00"),
            ("Australia/Lord_Howe", "2026-06-01T00:00:00", "2026-06-01T10:30:00"),
            ("Pacific/Kiritimati", "2026-06-01T00:00:00", "2026-06-01T14:00:00"),
            ("Pacific/Chatham", "2050-01-01T00:00:00", "2050-01-01T13:45:00"),
            ("Europe/Dublin", "2050-01-01T00:00:00", "2050-01-01T00:00:00"),
            ("Europe/Dublin", "2050-07-01T00:00:00", "2050-07-01T01:00:00"),
            ("America/St_Johns", "2190-07-01T00:00:00", "2190-06-30T21:30:00"),
            ("Asia/Kathmandu", "2026-06-01T00:00:00", "2026-06-01T05:45:00"),
        ] {
            let moment = try #require(CivilTime(utc)).seconds
            #expect(try zone(name).civil(at: moment).description == expected, "\(name)")
        }
        // Half an hour is skipped.
        #expect(try zone("Australia/Lord_Howe").moments(of: CivilTime(2026, 10, 4, 2, 15)).isEmpty)
    }

    @Test("every zone of the system agrees with Foundation's", .timeLimit(.minutes(5)))
    func allZones() throws {
        var random = SplitMix(seed: 4)
        var compared = 0
        for name in TimeZone.knownTimeZoneIdentifiers.sorted() {
            guard let bytes = try? Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(name)")),
                let reference = TimeZone(identifier: name)
            else { continue }
            let rules = try TimeZoneRules(file: Array(bytes))
            for _ in 0..<40 {
                // Within what two editions of the time zone data agree on.
                let moment = Int64(random.next() % UInt64(1_700_000_000 - 1_000_000_000)) + 1_000_000_000
                let expected = reference.secondsFromGMT(for: Date(timeIntervalSince1970: Double(moment)))
                #expect(rules.offset(at: moment) == Int64(expected), "\(name) at \(moment)")
                compared += 1
            }
        }
        #expect(compared > 10_000)
    }

    @Test(
        "a moment is among the moments of what the clocks show then",
        arguments: ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia"])
    func roundTrip(_ name: String) throws {
        let zone = try zone(name)
        var random = SplitMix(seed: 9)
        for _ in 0..<2000 {
            let moment = Int64(random.next() % 5_000_000_000)
            let found = zone.moments(of: zone.civil(at: moment))
            #expect(found.contains(moment) && found.count <= 2 && found == found.sorted())
        }
    }

    @Test("bytes that are no time zone file are an error, not a crash")
    func damaged() throws {
        let good = Array(try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/Europe/Berlin")))
        #expect(throws: ScheduleError.self) { try TimeZoneRules(file: []) }
        #expect(throws: ScheduleError.self) { try TimeZoneRules(file: Array("TZif".utf8)) }
        for length in stride(from: 0, to: good.count - 1, by: 17) {
            #expect(throws: ScheduleError.self) { try TimeZoneRules(file: Array(good.prefix(length))) }
        }
        var random = SplitMix(seed: 3)
        for _ in 0..<600 {
            var bytes = good
            for _ in 0..<4 {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            _ = try? TimeZoneRules(file: bytes)
        }
    }
}
