import Schedules
import Testing

@Suite("Which schedules are due")
struct ScheduleCoreTests {
    private let id = ScheduleID(bus: "default", rule: "r")
    private let start: Int64 = 1_780_000_200  // a multiple of 300 s

    private func core(_ expression: String, _ missed: MissedPolicy, decided: Int64? = nil, now: Int64) throws
        -> ScheduleCore
    {
        var core = ScheduleCore()
        var state = ScheduleState(definition: expression, deployed: start)
        if let decided { state.decided = decided }
        core.set(
            id, try Schedule(ScheduleExpression(expression), zone: .utc, deployed: start), missed: missed, state: state,
            now: now)
        return core
    }

    @Test("nothing is due before its time, and each moment once")
    func onTime() throws {
        var core = try core("rate(5 minutes)", .last, now: start)
        #expect(core.due(now: start).isEmpty && core.nextDue == start + 300)
        #expect(core.due(now: start + 299).isEmpty)
        let firings = core.due(now: start + 300)
        #expect(firings.map(\.moments) == [[start + 300]] && firings[0].doubtful.isEmpty)
        // While it is being committed it is not due again.
        #expect(core.due(now: start + 600).isEmpty && core.nextDue == nil)
        core.done(firings[0])
        #expect(core.due(now: start + 600).map(\.moments) == [[start + 600]])
    }

    @Test(
        "moments that were missed",
        arguments: [
            (MissedPolicy.skip, Int64(30), [Int64]()), (.last, 30, [9]), (.all, 30, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
            // The tenth is due just now.
            (.skip, 300, [10]), (.last, 300, [10]), (.all, 330, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
            // Late by no more than the grace: on time.
            (.skip, 360, [10]), (.skip, 361, []), (.last, 361, [10]),
        ])
    func missed(_ policy: MissedPolicy, _ extra: Int64, _ expected: [Int64]) throws {
        var core = try core("rate(5 minutes)", policy, now: start)
        var now = start + 9 * 300 + extra
        // At 9 · 300 + 30 the ninth is on time; the cases below want it missed.
        if extra == 30 { now += 60 }
        let found = core.due(now: now).flatMap(\.moments).map { ($0 - start) / 300 }
        #expect(found == expected)
    }

    @Test("all of many years is bounded, the newest of them")
    func bounded() throws {
        var core = try core("cron(* * * * ? *)", .all, now: start)
        let now = start + 5 * 366 * 86400
        let moments = core.due(now: now).flatMap(\.moments)
        #expect(moments.count == ScheduleCore.maximumMissed && moments.last == now / 60 * 60)
        #expect(zip(moments, moments.dropFirst()).allSatisfy { $1 - $0 == 60 })
    }

    @Test("a clock that is set back makes no second event for a moment, and does not stop the schedule")
    func clockBack() throws {
        var core = try core("rate(5 minutes)", .last, now: start)
        // Set forward by four years: one event.
        let far = start + 4 * 365 * 86400
        let firing = try #require(core.due(now: far).first)
        #expect(firing.moments == [far])
        core.done(firing)
        // And back: the moments between were passed over, and those that have an event are to be looked up.
        #expect(core.due(now: start + 60).isEmpty)
        #expect(core.nextDue == start + 300)
        let again = try #require(core.due(now: start + 300).first)
        #expect(again.moments == [start + 300] && again.doubtful == [start + 300])
        #expect(again.state.decided == far)
        core.done(again)
        // The state is stored: a restart goes on from the clock, not from four years ahead.
        var next = ScheduleCore()
        next.set(
            id, try Schedule(ScheduleExpression("rate(5 minutes)"), zone: .utc, deployed: start), missed: .last,
            state: again.state, now: start + 310)
        let after = try #require(next.due(now: start + 600).first)
        #expect(after.moments == [start + 600] && after.doubtful == [start + 600])
    }

    @Test("a changed definition begins anew; the same one goes on")
    func change() throws {
        var core = try core("rate(5 minutes)", .all, now: start)
        let same = ScheduleState(definition: "rate(5 minutes)", deployed: start + 1000)
        core.set(
            id, try Schedule(ScheduleExpression("rate(5 minutes)"), zone: .utc, deployed: start), missed: .all,
            state: same, now: start + 1000)
        #expect(core.due(now: start + 1000).flatMap(\.moments).count == 3)
        let other = ScheduleState(definition: "rate(1 minute)", deployed: start + 1000)
        core.set(
            id, try Schedule(ScheduleExpression("rate(1 minute)"), zone: .utc, deployed: start + 1000), missed: .all,
            state: other, now: start + 1000)
        #expect(core.due(now: start + 1060).flatMap(\.moments) == [start + 1060])
        core.remove(id)
        #expect(core.nextDue == nil && core.due(now: start + 5000).isEmpty)
    }

    /// A host that crashes at random moments, with a store that keeps a commit whole or not at all, and a clock that
    /// jumps: at most one event per moment; with `all` and no jumps, exactly one.
    @Test("random histories of crashes and clock jumps", arguments: 0..<300)
    func histories(_ seed: UInt64) throws {
        var random = SplitMix(seed: seed &+ 77)
        let jumps = seed % 3 == 0
        let policy: MissedPolicy = jumps ? [.skip, .last, .all][Int(seed / 3 % 3)] : .all
        let expression = ["rate(1 minute)", "rate(7 minutes)", "cron(*/3 * * * ? *)"][Int(seed % 3)]
        let schedule = try Schedule(ScheduleExpression(expression), zone: .utc, deployed: start)
        var stored = ScheduleState(definition: expression, deployed: start)
        var log: [Int64] = []
        var known: Set<Int64> = []
        var now = start
        var core = ScheduleCore()
        func begin() { core = ScheduleCore(); core.set(id, schedule, missed: policy, state: stored, now: now) }
        begin()
        for _ in 0..<400 {
            switch random.next() % 10 {
            case 0: begin()
            case 1 where jumps: now += Int64(random.next() % 200_000) - 100_000
            default: now += Int64(random.next() % 200)
            }
            for firing in core.due(now: now) {
                // The commit, or a crash before it.
                guard random.next() % 5 != 0 else {
                    begin()
                    continue
                }
                let wanted = firing.moments.filter { !firing.doubtful.contains($0) || !known.contains($0) }
                log += wanted
                known.formUnion(wanted)
                stored = firing.state
                // A crash after it.
                if random.next() % 5 == 0 { begin() } else { core.done(firing) }
            }
        }
        #expect(log.count == known.count, "a moment has two events")
        if !jumps {
            begin()
            for firing in core.due(now: now) { log += firing.moments }
            #expect(log == schedule.latest(1_000_000, after: start, through: now))
        }
    }
}
