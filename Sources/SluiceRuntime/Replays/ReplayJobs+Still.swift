import HostAPI
import Journal
import Logging
import UVLoop

/// Replays that stand still, for their targets are paused or take nothing: what they have still to read stays in the
/// journal, which must not grow for ever because of one that nobody remembers.
extension ReplayRecord {
    /// It keeps events in the journal: those that it has still to read, or those that it has delivered and that are
    /// parked.
    var isWatched: Bool { ended == nil ? state == .running && !isThrough : isOpen }
}

extension ReplayJobs {
    /// A replay that has not got on for so long, while a host ran, ends as failed; what it has still to read is the
    /// archive's again.
    package nonisolated static let longestStill: Int64 = 7 * 86_400_000
    private nonisolated static let hour: Int64 = 3_600_000

    /// How far a replay has got: what it has read, and what of it is over.
    struct Mark: Hashable {
        var cursor: Position
        var standing: Standing
    }

    /// The hourly look at all of them.
    /// - Parameter elapsed: milliseconds since the look before; 0 for a host's first.
    package func noteStill(elapsed: Int64) async {
        for (name, replay) in replays where replay.isWatched && !isStopping {
            do {
                try await noteStill(name, elapsed)
            } catch {
                // It counts on, and the others are looked at all the same.
                log.error(
                    "a replay that stands still cannot be noted", metadata: ["replay": "\(name)", "error": "\(error)"])
            }
        }
        marks = marks.filter { replays[$0.key]?.isWatched == true }
    }

    private func noteStill(_ name: String, _ elapsed: Int64) async throws {
        guard let replay = replays[name] else { return }
        let mark = Mark(cursor: replay.cursor, standing: try await standing(name))
        // After a start nothing is known to compare with; what an earlier host has counted counts on.
        guard let before = marks.updateValue(mark, forKey: name) else { return }
        // One that is being closed at this moment is not written open once more.
        guard let current = replays[name], current.isWatched, !isStopping,
            current.paths.allSatisfy({ closing[$0.settings.id] == nil })
        else { return }
        var still = before == mark ? (current.still ?? 0) + elapsed : nil
        // An ended one only has what is parked. What is open although nothing gets on has not been read since the
        // start, for its target is paused.
        if current.ended != nil, mark.standing.open > 0 || mark.standing.parked == 0 {
            still = before == mark ? current.still : nil
        }
        guard still != current.still else { return }
        replays[name]?.still = still
        if let still, still >= Self.longestStill, current.ended != nil {
            try await giveUpParked(name)
        } else if let still, still >= Self.longestStill {
            let reason = Self.reason(current)
            log.error("a replay has ended", metadata: ["replay": "\(name)", "reason": "\(reason)"])
            await end(name, .failed, because: reason)
        } else {
            try await store(name)
        }
    }

    /// What is parked of a replay that has ended is dropped, as by a cancellation: meanwhile every event since is kept
    /// for it.
    private func giveUpParked(_ name: String) async throws {
        let reason =
            "deliveries of it were parked behind dead letters for \(Self.longestStill / 86_400_000) days, and were "
            + "dropped: the journal would have kept every event since for them; the dead letters are still there"
        let dropping = try await dropParked(name) { replay in
            replay.still = nil
            replay.reason = replay.reason.map { "\($0); \(reason)" } ?? reason
        }
        guard dropping == .dropped else { return }
        log.error("what a replay had parked is dropped", metadata: ["replay": "\(name)", "reason": "\(reason)"])
    }

    private static func reason(_ replay: ReplayRecord) -> String {
        "it has not got on for \(longestStill / 86_400_000) days, for its targets were paused or took nothing: what it had "
            + "still to read (positions \(replay.cursor + 1) to \(replay.last)) is kept for it no longer; what was "
            + "replayed is delivered; resume the targets, and start another replay for the rest"
    }

    /// For `status`: replays that have stood still for an hour and more, and until when events are kept for them.
    package var warnings: [String] {
        replays.values.sorted { $0.request.name < $1.request.name }.compactMap { replay in
            guard let still = replay.still, still >= Self.hour, replay.ended == nil || replay.isOpen else { return nil }
            let left = max(0, Self.longestStill - still) / Self.hour
            guard replay.ended == nil else {
                return
                    "replay \(replay.request.name) has ended with deliveries that are parked behind dead letters: the "
                    + "journal keeps all events since for \(left) more hours, then they are dropped; redrive or purge the "
                    + "dead letters (`sluice replay show \(replay.request.name)` names them), or drop what is parked "
                    + "(`sluice replay cancel \(replay.request.name)`)"
            }
            return
                "replay \(replay.request.name) has not got on for \(still / Self.hour) hours: the journal keeps what it "
                + "has still to read for \(left) more hours, then the replay ends; resume its targets (`sluice rules "
                + "resume`) or cancel it (`sluice replay cancel \(replay.request.name)`)"
        }
    }
}
