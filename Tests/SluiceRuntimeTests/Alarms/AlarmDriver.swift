import AppConfig
import Schedules
import SluiceRuntime

/// Drives an alarm core with a clock of its own; every change is committed at once.
struct AlarmDriver {
    var core = AlarmCore()
    /// Milliseconds, of both clocks.
    var now: Int64 = 1_780_000_000_000
    var told: [AlarmChange] = []

    mutating func set(_ alarm: AlarmDefinition, stored: AlarmState? = nil, atStart: Bool = true) throws {
        core.set(
            alarm, schedule: try alarm.expectedFile?.deadline.schedule(deployed: 0), stored: stored, now: now,
            wall: now, atStart: atStart)
    }

    private mutating func tell(_ change: AlarmChange?) {
        guard let change else { return }
        told.append(change)
        tell(core.committed(change, wall: now))
    }

    /// A period of a minute with a target that stands so.
    mutating func minute(_ edit: (inout AlarmSample.Target) -> Void) {
        now += 60_000
        var target = AlarmSample.Target(bus: "default", rule: "r", target: "t", function: "F")
        edit(&target)
        for change in core.sampled(AlarmSample(targets: [target], freeMegabytes: 100), now: now, wall: now) {
            tell(change)
        }
    }

    mutating func deadline(found: Bool = false) {
        for deadline in core.deadlines(wall: now) { tell(core.decide(deadline, found: found ? now : nil, wall: now)) }
    }

    mutating func arrived(_ name: String) { tell(core.arrived(name, at: now, wall: now)) }

    var states: [String] { told.map(\.after.value.rawValue) }
}
