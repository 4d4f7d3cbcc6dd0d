import AppConfig
import FunctionJSON
import Journal
import Schedules
import SluiceRuntime
import Testing

@Suite("Alarms")
struct AlarmCoreTests {
    private func alarm(_ threshold: AlarmDefinition.Threshold) -> AlarmDefinition {
        AlarmDefinition(name: "a", threshold: threshold)
    }

    @Test("one change for each crossing, however long it stays beyond the threshold")
    func crossing() throws {
        var driver = AlarmDriver()
        try driver.set(alarm(.init(metric: .deadLetters, threshold: 2)))
        for dead in [0, 2, 3, 5, 9, 9, 2, 0, 0, 7, 7] as [Int64] { driver.minute { $0.dead = dead } }
        #expect(driver.states == ["ALARM", "OK", "ALARM"])
        #expect(driver.told.first?.value == 3)
        #expect(
            driver.told.map(\.after.reason) == [
                "DeadLetters was 3 in the last 60 s, above 2", "DeadLetters was 2 in the last 60 s, no longer above 2",
                "DeadLetters was 7 in the last 60 s, above 2",
            ])
        // Each change has an event of its own.
        #expect(Set(driver.told.map(\.eventID)).count == 3)
    }

    @Test("an alarm that is added or changed while the host runs counts from then on")
    func baseline() throws {
        var driver = AlarmDriver()
        try driver.set(alarm(.init(metric: .errors, threshold: 5)), atStart: false)
        let before = AttemptCounts(attempts: 100, errors: 90)
        // Asked at once, and not told of what was before.
        #expect(driver.core.wantsSample(now: driver.now))
        driver.minute { $0.counts = before }
        driver.minute { $0.counts = before }
        #expect(driver.told.isEmpty)
        // Another threshold is another alarm.
        try driver.set(alarm(.init(metric: .errors, threshold: 3)))
        driver.minute { $0.counts = AttemptCounts(attempts: 200, errors: 150) }
        #expect(driver.told.isEmpty)
        driver.minute { $0.counts = AttemptCounts(attempts: 210, errors: 154) }
        #expect(driver.states == ["ALARM"] && driver.told.first?.value == 4)
        // What the host itself began with counts from zero.
        var first = AlarmDriver()
        try first.set(alarm(.init(metric: .errors, threshold: 5)))
        first.minute { $0.counts = before }
        #expect(first.states == ["ALARM"])
    }

    @Test("M of N periods: a lone bad one starts nothing, a lone good one ends nothing")
    func ofN() throws {
        var driver = AlarmDriver()
        try driver.set(
            alarm(.init(metric: .waitingEvents, threshold: 10, evaluationPeriods: 3, datapointsToAlarm: 2)))
        for waiting in [50, 0, 0, 50, 50, 0, 50, 50, 0, 0] as [Int64] { driver.minute { $0.waiting = waiting } }
        // Two of three are bad from the 5th on, and not any more at the 10th.
        #expect(driver.states == ["ALARM", "OK"])
        #expect(driver.told.map { ($0.after.since - 1_780_000_000_000) / 60_000 } == [5, 10])
    }

    @Test("a recovery threshold keeps a value that swings about the threshold from ringing each time")
    func recovery() throws {
        var driver = AlarmDriver()
        try driver.set(alarm(.init(metric: .oldestEventAge, threshold: 100, recoveryThreshold: 50)))
        for age in [101, 99, 101, 99, 51, 50, 99, 101] as [Double] { driver.minute { $0.oldestAgeSeconds = age } }
        #expect(driver.states == ["ALARM", "OK", "ALARM"])
        #expect(driver.told.map { ($0.after.since - 1_780_000_000_000) / 60_000 } == [1, 6, 8])
    }

    @Test("attempts count by period; without any the rate has no value, which counts as the alarm says")
    func windows() throws {
        for (missing, states) in [
            (AlarmDefinition.MissingData.notBreaching, ["ALARM", "OK"]), (.breaching, ["ALARM"]), (.ignore, ["ALARM"]),
        ] {
            var driver = AlarmDriver()
            try driver.set(alarm(.init(metric: .errorRate, threshold: 25, missingData: missing)))
            driver.minute { $0.counts = .init(attempts: 100, errors: 10) }
            driver.minute { $0.counts = .init(attempts: 104, errors: 13) }
            driver.minute { $0.counts = .init(attempts: 104, errors: 13) }
            #expect(driver.states == states, "\(missing)")
            #expect(driver.told.first?.value == 75)
        }
        var driver = AlarmDriver()
        try driver.set(alarm(.init(metric: .invocations, comparison: .less, threshold: 1)))
        driver.minute { $0.counts = .init(attempts: 5) }
        driver.minute { $0.counts = .init(attempts: 5) }
        #expect(driver.states == ["ALARM"])
    }

    @Test("dimensions choose; the disk is of the host")
    func dimensions() throws {
        var driver = AlarmDriver()
        for (name, dimensions) in [
            ("mine", AlarmDefinition.Dimensions(function: "F", rule: "r")), ("other", .init(function: "G")),
        ] {
            try driver.set(
                AlarmDefinition(
                    name: name, threshold: .init(metric: .pausedTargets, dimensions: dimensions, threshold: 0)))
        }
        try driver.set(
            AlarmDefinition(name: "disk", threshold: .init(metric: .freeDiskSpace, comparison: .less, threshold: 200)))
        driver.minute { $0.isPaused = true }
        #expect(driver.told.map(\.alarm.name) == ["disk", "mine"])
    }

    @Test("the state outlives a restart and a change of the threshold: no second event for what was told")
    func restart() throws {
        var driver = AlarmDriver()
        try driver.set(alarm(.init(metric: .deadLetters, threshold: 2)))
        driver.minute { $0.dead = 5 }
        let stored = try #require(driver.core.all.first?.state)
        let bytes = try TapeEncoder().encode(stored)
        var second = AlarmDriver()
        second.now = driver.now
        try second.set(
            alarm(.init(metric: .deadLetters, threshold: 2)), stored: TapeDecoder().decode(AlarmState.self, from: bytes)
        )
        second.minute { $0.dead = 5 }
        #expect(second.told.isEmpty)
        try second.set(alarm(.init(metric: .deadLetters, threshold: 4)))
        second.minute { $0.dead = 5 }
        #expect(second.told.isEmpty)
        second.minute { $0.dead = 4 }
        #expect(second.states == ["OK"])
        // A steady state is stored once.
        _ = second.core.takeUnstored()
        second.minute { $0.dead = 4 }
        #expect(second.core.takeUnstored().isEmpty)
    }

    @Test("nothing is decided while a change is on its way into the journal")
    func committing() {
        var core = AlarmCore()
        core.set(
            alarm(.init(metric: .deadLetters, threshold: 2)), schedule: nil, stored: nil, now: 0, wall: 0)
        var target = AlarmSample.Target(bus: "default", rule: "r", target: "t", function: "F")
        target.dead = 3
        let first = core.sampled(AlarmSample(targets: [target]), now: 60_000, wall: 60_000)
        target.dead = 0
        #expect(first.count == 1 && core.nextDue.period == nil)
        #expect(core.sampled(AlarmSample(targets: [target]), now: 120_000, wall: 120_000).isEmpty)
        _ = core.committed(first[0], wall: 130_000)
        #expect(core.sampled(AlarmSample(targets: [target]), now: 180_000, wall: 180_000).count == 1)
    }

    // MARK: Expected files

    /// Every day at 6 in Berlin, which is 4 UTC in June.
    private let daily = AlarmDefinition(
        name: "file",
        expectedFile: .init(
            bucket: "landing-zone", pattern: "{}",
            deadline: ScheduleDefinition(expression: "cron(0 6 * * ? *)", timezone: "Europe/Berlin")))

    /// 2026-06-01T00:00:00Z
    private let june: Int64 = 1_780_272_000_000
    private let hour: Int64 = 3_600_000

    @Test("a file in time is silence, a missing one an alarm, a late one its end; each deadline counts anew")
    func expected() throws {
        var driver = AlarmDriver()
        driver.now = june
        try driver.set(daily)
        driver.now = june + 3 * hour
        driver.arrived("file")
        driver.now = june + 4 * hour
        driver.deadline()
        #expect(driver.told.isEmpty)
        // The next day nothing comes.
        driver.now = june + 28 * hour - 1000
        driver.deadline()
        #expect(driver.told.isEmpty)
        driver.now = june + 28 * hour
        driver.deadline()
        driver.deadline()
        #expect(driver.states == ["ALARM"])
        driver.now += 90_000
        driver.arrived("file")
        #expect(driver.states == ["ALARM", "OK"])
        #expect(driver.told.last?.after.reason == "the file arrived 90 s late")
        // The late one is of yesterday's: today wants another.
        driver.now = june + 52 * hour
        driver.deadline()
        // It came after yesterday's deadline, so it counts for today's as well: `within` says otherwise.
        #expect(driver.states == ["ALARM", "OK"])
        driver.now = june + 76 * hour
        driver.deadline(found: true)
        #expect(driver.states == ["ALARM", "OK"])
    }

    @Test("the first deadline looks as far back as the others, and what was decided is told also where nothing changes")
    func first() throws {
        var driver = AlarmDriver()
        // Deployed at one; the deadlines are at four.
        driver.now = june + hour
        try driver.set(daily)
        driver.now = june + 4 * hour
        #expect(driver.core.deadlines(wall: driver.now).map(\.windowStart) == [(june - 20 * hour) / 1000])
        driver.deadline(found: true)
        #expect(driver.told.isEmpty)
        let state = try #require(driver.core.all.first?.state)
        #expect(state.reason == "the file arrived in time for the last deadline" && state.arrived == driver.now)
        driver.now = june + 28 * hour
        #expect(driver.core.deadlines(wall: driver.now).map(\.windowStart) == [(june + 4 * hour) / 1000])
        // Another file, another alarm.
        var other = daily
        other.expectedFile?.bucket = "inbox"
        driver.now = june + 29 * hour
        try driver.set(other)
        driver.now = june + 52 * hour
        #expect(driver.core.deadlines(wall: driver.now).map(\.windowStart) == [(june + 28 * hour) / 1000])
    }

    @Test("`within` is how long before the deadline it may come")
    func within() throws {
        var driver = AlarmDriver()
        driver.now = june
        var alarm = daily
        alarm.expectedFile?.withinSeconds = 3600
        try driver.set(alarm)
        driver.now = june + 2 * hour
        driver.arrived("file")
        driver.now = june + 4 * hour
        driver.deadline()
        #expect(driver.states == ["ALARM"])
        driver.now = june + 27 * hour + 1000
        driver.arrived("file")
        #expect(driver.states == ["ALARM", "OK"])
        driver.now = june + 28 * hour
        driver.deadline()
        #expect(driver.states == ["ALARM", "OK"])
    }

    @Test("of deadlines that passed while the host was down the newest counts; a clock set back repeats none")
    func down() throws {
        var driver = AlarmDriver()
        driver.now = june
        try driver.set(daily)
        var state = try #require(driver.core.all.first?.state)
        state.arrived = june + 3 * hour
        var second = AlarmDriver()
        second.now = june + 80 * hour
        try second.set(daily, stored: state)
        #expect(second.core.deadlines(wall: second.now).map(\.moment) == [(june + 76 * hour) / 1000])
        second.deadline()
        #expect(second.states == ["ALARM"])
        second.now = june + 50 * hour
        second.deadline()
        #expect(second.states == ["ALARM"])
        // Years later it is decided at once, too.
        second.now = june + 24 * 365 * 20 * hour
        second.deadline()
        #expect(second.states == ["ALARM"])
        #expect(second.core.deadlines(wall: second.now).isEmpty)
    }

    @Test("the event has CloudWatch's shape")
    func event() throws {
        var driver = AlarmDriver()
        try driver.set(
            AlarmDefinition(
                name: "dead", description: "too many",
                threshold: .init(metric: .deadLetters, dimensions: .init(function: "F"), threshold: 0.5)))
        driver.minute { $0.dead = 1 }
        let event = try JSONDocument(parsing: try #require(driver.told.first).payload()).root
        #expect(event["source"]?.string == "aws.cloudwatch")
        #expect(event["detail-type"]?.string == "CloudWatch Alarm State Change")
        #expect(
            event["resources"]?.elements.compactMap(\.string) == ["arn:aws:cloudwatch:local:000000000000:alarm:dead"])
        let detail = try #require(event["detail"])
        #expect(detail["alarmName"]?.string == "dead" && detail["state"]?["value"]?.string == "ALARM")
        #expect(detail["previousState"]?["value"]?.string == "OK")
        let data = try JSONDocument(parsing: Array((detail["state"]?["reasonData"]?.string ?? "").utf8)).root
        #expect(data["recentDatapoints"]?.elements.compactMap(\.int64) == [1])
        let metric = detail["configuration"]?["metrics"]?.elements.first { _ in true }?["metricStat"]?["metric"]
        #expect(metric?["name"]?.string == "DeadLetters" && metric?["dimensions"]?["FunctionName"]?.string == "F")
    }
}
