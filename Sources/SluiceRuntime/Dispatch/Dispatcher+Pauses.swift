package import Journal
import Logging
import UVLoop

/// Pauses by hand and by circuit breakers, and what the journal keeps of them.
extension Dispatcher {
    /// Adds what has changed to the batch that settles what changed it.
    func storePauses(into batch: inout Batch) {
        for id in core.takeChangedFlows() {
            var note = pauses[id] ?? PauseNote()
            let before = note.current
            note.follow(core.flow(of: id), clock: clock)
            pauses[id] = note == PauseNote() ? nil : note
            batch.control.append(note.change(for: id))
            tell(of: id, before: before, after: note.current, into: &batch)
            if let current = note.current, before == nil {
                log.warning(
                    "deliveries are paused",
                    metadata: [
                        "rule": "\(deployment.subscription(id)?.rule ?? "")",
                        "target": "\(deployment.subscription(id)?.target ?? "")", "reason": "\(current.reason)",
                    ])
            }
        }
    }

    /// Puts the pauses of an earlier life back. Before anything is loaded: ages depend on them.
    package func loadPauses() async throws {
        let journal = journal
        let values = try await files.run {
            try journal.values(prefix: PauseNote.prefix).map { ($0.name, $0.body) }
        }
        var batch = Batch()
        for (name, body) in values {
            guard let number = Int64(name.dropFirst(PauseNote.prefix.count)),
                let settings = deployment.subscription(SubscriptionID(number)),
                let note = JSONText.decode(PauseNote.self, from: body)
            else {
                // Its subscription is gone.
                batch.control.append(.removeValue(name: name))
                continue
            }
            pauses[settings.id] = note
            if let flow = note.flow(clock: clock, longest: settings.rules.breaker?.retryAfter ?? 0) {
                core.restore(settings.id, flow)
            }
        }
        if !batch.isEmpty { _ = try await committer.commit(batch) }
    }

    /// Pauses or resumes subscriptions by hand; durable when it returns. Where the journal refuses, it is so in this
    /// life, is written as soon as there is room, and this throws.
    package func setPaused(_ ids: [SubscriptionID], _ paused: Bool, reason: String?) async throws {
        for id in ids {
            guard paused else {
                core.resume(id, now: clock.now)
                continue
            }
            // Paused once more without a reason: the one that was given stays.
            if reason == nil, case .paused = core.flow(of: id) { continue }
            core.pause(id, reason: reason.map { "by hand: \($0)" } ?? "by hand", now: clock.now)
        }
        var batch = Batch()
        storePauses(into: &batch)
        defer { pump() }
        if !batch.isEmpty { _ = try await committer.command(batch, refusal: .tells) }
    }
}
