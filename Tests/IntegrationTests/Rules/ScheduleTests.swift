import Foundation
import FunctionJSON
import Gateway
import HostAPI
import Testing

extension Integration {
    @Suite("Schedules", .timeLimit(.minutes(3)))
    struct ScheduleTests {
        private static func at(_ seconds: Double) -> String {
            let time = Date().addingTimeInterval(seconds)
            return String(
                APITime(milliseconds: Int64(time.timeIntervalSince1970 * 1000)).description.prefix(19))
        }

        /// A rule whose handler writes one file for each event, named after the event.
        private static func rule(_ name: String, _ schedule: String) -> String {
            """
            name: \(name)
            schedule: \(schedule)
            targets:
              - function: Faulty
                inputTransformer:
                  inputPathsMap: {id: $.id, time: $.time}
                  inputTemplate: |
                    {"version": "0", "id": <id>, "detail-type": "x", "source": "<aws.events.rule-name>",
                     "account": "000000000000", "time": <time>, "region": "local", "resources": [],
                     "detail": {"mode": "put", "bucket": "outbox", "key": "<aws.events.rule-name>/<time>.txt"}}
            """
        }

        @Test("At its moment a rule's function gets one scheduled event, whether or not the host is lost around it")
        func moments() async throws {
            let app = try TestApp.faulty()
            // However long a machine takes to start a host, that is still to come.
            let far = Self.at(100_000)
            try app.write("Events/schedules/far.yaml", Self.rule("far", "at(\(far))"))
            try app.write(
                "Events/schedules/nightly.yaml",
                Self.rule("nightly", "{expression: cron(0 2 * * ? *), timezone: Europe/Berlin, missed: skip}"))
            try await HostProcess.with(app) { host in
                let (soon, later) = (Self.at(3), Self.at(6))
                try app.write("Events/schedules/soon.yaml", Self.rule("soon", "at(\(soon))"))
                try app.write("Events/schedules/later.yaml", Self.rule("later", "at(\(later))"))
                #expect(try await host.client.deploy(DeployRequest()).accepted)
                let schedules = try await host.client.listSchedules(count: 2)
                #expect(schedules.map(\.rule) == ["far", "later", "nightly", "soon"])
                #expect(schedules.map(\.missed) == ["last", "last", "skip", "last"])
                #expect(
                    schedules[0].next.map { "\($0)".prefix(19) } == [far.prefix(19)] && schedules[2].next.count == 2)
                let file = try await host.wait(for: "the event of \(soon)") {
                    host.keys("outbox").first { $0.hasPrefix("soon/") }
                }
                #expect(file == "soon/\(soon)Z.txt")
                // Lost about the time of the second moment.
                await host.end(SIGKILL)
                try await host.start()
                _ = try await host.wait(for: "the event of \(later)") { host.keys("outbox").count == 2 ? true : nil }
                #expect(host.keys("outbox") == ["later/\(later)Z.txt", "soon/\(soon)Z.txt"])
                await host.end(SIGKILL)
                try await host.start()
                try await host.settled()
                let events = try await host.client.listEvents(
                    EventQuery(source: "aws.events"), page: PageRequest(limit: 100)
                ).items
                #expect(events.count == 2, "\(events)")
                #expect(events.allSatisfy { $0.event.text.contains(#""detail-type":"Scheduled Event""#) })
                #expect(events.map(\.subscriptions) == [["later/Faulty"], ["soon/Faulty"]])
                let after = try await host.client.listSchedules(count: 1)
                #expect(after.map { $0.last != nil } == [false, true, false, true])
                #expect(try await host.deadLetters().isEmpty)
            }
        }
    }
}
