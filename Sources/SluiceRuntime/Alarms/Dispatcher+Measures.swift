import AppConfig
import Journal
import UVLoop

extension Dispatcher {
    /// Counts an attempt for the alarms; what alarms have caused is not counted.
    func noteForAlarms(_ context: AttemptContext, failed: Bool) {
        guard let settings = context.settings, context.alarm == nil else { return }
        alarmCounts[settings.id, default: AttemptCounts()].attempts += 1
        if failed { alarmCounts[settings.id]?.errors += 1 }
    }

    /// What alarms want to know of the subscriptions.
    var alarmMeasures: AlarmMeasures {
        var paused: Set<SubscriptionID> = []
        for (id, note) in pauses where note.current != nil { paused.insert(id) }
        return AlarmMeasures(
            subscriptions: deployment.subscriptions, paused: paused, counts: alarmCounts, freeBytes: -1)
    }

    /// The event of a pause that begins or ends, for the batch that stores it.
    func tell(
        of id: SubscriptionID, before: PauseNote.Current?, after: PauseNote.Current?, into batch: inout Batch
    ) {
        guard let settings = deployment.subscription(id),
            let event = TargetEvent(settings, before: before, after: after, time: clock.wall)
        else { return }
        batch.appends.append(event.append(publisher.announcer))
        batch.isUrgent = true
    }
}

extension Verdict {
    /// Any part of it failed.
    var hasFailure: Bool {
        switch self {
        case .succeeded, .superseded: false
        case .failed, .failedBeside: true
        case .records(let verdicts):
            verdicts.contains { verdict in
                if case .failed = verdict { true } else { false }
            }
        }
    }
}
