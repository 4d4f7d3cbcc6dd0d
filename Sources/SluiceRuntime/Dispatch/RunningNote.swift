package import Journal
import UVLoop

/// A long-running attempt as the journal notes it. After an unclean stop it counts as one attempt `HostLost`; three of
/// them end a delivery, because an event that kills the host must not loop for ever.
package struct RunningNote: Codable, Sendable {
    package struct Entry: Codable, Sendable {
        package var delivery: Delivery
        package var isPending: Bool
        package var deadLetter: Int64?
    }

    package static let prefix = "running/"
    /// How often a delivery may be in flight while the host is lost.
    package static let limit = 3

    package var attempt: String
    package var started: Milliseconds
    package var version: Int
    package var entries: [Entry]

    @LoopActor
    static func encode(_ context: AttemptContext) -> [UInt8] {
        JSONText.encode(
            RunningNote(
                attempt: "\(context.id)", started: context.startedWall, version: context.version.version,
                entries: context.attempt.works.map { work in
                    Entry(
                        delivery: work.delivery, isPending: work.source != .log, deadLetter: work.deadLetter)
                }))
    }
}

extension Dispatcher {
    /// Notes in the journal what runs longer than 100 ms, so that an event which kills the host is recognised.
    func watchLongRunning() {
        guard sweeper == nil, !attempts.isEmpty else { return }
        sweeper = LoopTimer.after(.milliseconds(100)) { [weak self] in
            guard let self else { return }
            self.sweeper = nil
            let now = self.clock.now
            for context in self.attempts.values
            where !context.isNoted && !context.isClosed && context.settings != nil && context.shadow == nil
                && now - context.started >= 100
            {
                context.isNoted = true
                var batch = Batch()
                batch.control.append(.putValue(name: context.noteName, body: RunningNote.encode(context)))
                self.committer.enqueue(batch)
            }
            self.watchLongRunning()
        }
    }
}
