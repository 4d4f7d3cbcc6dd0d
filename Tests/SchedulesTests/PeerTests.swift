import Foundation
import Schedules
import Testing

/// Cases made by croniter and Python's zoneinfo: Tests/Tools/schedule_cases.py.
@Suite("Agrees with other implementations")
struct PeerTests {
    private static func cases(_ kind: String) throws -> [[String]] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Cases/peers.tsv")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
            .map { $0.split(separator: "\t").map(String.init) }.filter { $0[0] == kind }.map { Array($0.dropFirst()) }
    }

    @Test("croniter: the next four moments of 1,500 expressions")
    func croniter() throws {
        let cases = try Self.cases("cron")
        #expect(cases.count == 1500)
        for one in cases {
            let schedule = try Schedule(ScheduleExpression(one[0]), zone: .utc, deployed: 0)
            var moment = try #require(CivilTime(one[1])).seconds
            var found: [String] = []
            for _ in 0..<4 {
                moment = try #require(schedule.next(after: moment))
                found.append(CivilTime(seconds: moment).description)
            }
            #expect(found.joined(separator: ",") == one[2], "\(one[0]) after \(one[1])")
        }
    }

    @Test(
        "zoneinfo: offsets of sixteen zones over fifty years",
        .enabled(if: FileManager.default.fileExists(atPath: "/usr/share/zoneinfo/Europe/Berlin")))
    func zoneinfo() throws {
        let cases = try Self.cases("zone")
        #expect(cases.count == 960)
        var zones: [String: TimeZoneRules] = [:]
        for one in cases {
            if zones[one[0]] == nil {
                zones[one[0]] = try TimeZoneRules(
                    file: Array(Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(one[0])"))))
            }
            let rules = try #require(zones[one[0]])
            #expect(rules.offset(at: try #require(Int64(one[1]))) == Int64(one[2]), "\(one)")
        }
    }
}
