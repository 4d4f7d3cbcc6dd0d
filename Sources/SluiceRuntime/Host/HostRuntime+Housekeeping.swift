import AppConfig
import Journal
import Logging
import UVLoop

extension HostRuntime {
    /// Every hour: old logs and segments go, expired objects, and kept inputs that nothing refers to any more.
    func keepHouse() {
        let (now, before) = (clock.now, lastHousekeeping)
        lastHousekeeping = now
        Task { @LoopActor in
            // First: on a full disk the journal takes no note of a replay before these have made room.
            trim()
            await expire()
            await replays.noteStill(elapsed: before.map { now - $0 } ?? 0)
        }
        housekeeping = LoopTimer.after(.seconds(3600)) { [weak self] in self?.keepHouse() }
    }

    private func trim() {
        let deployment = dispatcher.deployment
        let days = deployment.app.retention
        let (journal, logs, clock, unread) = (journal, logs, clock, replays.unread)
        files.perform { [weak self] in
            logs.trim(days: days.logDays)
            let limit = clock.wall - Int64(days.archiveDays) * 86_400_000
            // Streams lie in the same segments: what can be read of one stays, whatever the archive keeps.
            let readings = deployment.streams.map { StreamReading(settings: $0, journal: journal, now: clock.wall) }
            var trouble: String?
            do {
                let oldest = try readings.compactMap { try $0.oldest()?.ingested }.min() ?? limit
                // What a replay has still to read stays for as long as it runs, or is held.
                try journal.trim(settledBelow: min(limit, oldest), upTo: unread.map { $0 - 1 } ?? .max)
            } catch {
                if (error as? JournalError)?.code == .closed { return }
                trouble = "\(error)"
            }
            Task { @LoopActor [weak self, trouble] in self?.trimmed(trouble) }
        }
    }

    /// `status` says that the journal only grows.
    private func trimmed(_ trouble: String?) {
        let text = trouble.map {
            "old events cannot be dropped from the journal, which grows until its disk is full; it is tried again every "
                + "hour: \($0)"
        }
        if let text { log.error("\(text)") }
        notes["trim"] = text
    }
}
