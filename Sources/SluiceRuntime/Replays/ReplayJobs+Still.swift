import HostAPI
import Journal
import Logging
import UVLoop

/// Replays that stand still, for their targets are paused or take nothing: what they have still to read stays in the
/// journal, which must not grow for ever because of one that nobody remembers.
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
    package func noteStill(elapsed: Int64) async throws {
        for (name, replay) in replays where replay.state == .running && replay.ended == nil && !replay.isThrough {
            let mark = Mark(cursor: replay.cursor, standing: try await standing(name))
            let before = marks.updateValue(mark, forKey: name)
            guard let current = replays[name], current.state == .running, !isStopping else { continue }
            // After a start nothing is known to compare with; what an earlier host has counted counts on.
            guard before != nil || elapsed == 0 else { continue }
            let still = before == nil ? current.still : before == mark ? (current.still ?? 0) + elapsed : nil
            guard still != current.still else { continue }
            replays[name]?.still = still
            if let still, still >= Self.longestStill {
                let reason = Self.reason(current)
                log.error("a replay has ended", metadata: ["replay": "\(name)", "reason": "\(reason)"])
                await end(name, .failed, because: reason)
            } else {
                try await store(name)
            }
        }
        marks = marks.filter { replays[$0.key]?.state == .running && replays[$0.key]?.ended == nil }
    }

    private static func reason(_ replay: ReplayRecord) -> String {
        "it has not got on for \(longestStill / 86_400_000) days, for its targets were paused or took nothing: what it had "
            + "still to read (positions \(replay.cursor + 1) to \(replay.last)) is kept for it no longer; what was "
            + "replayed is delivered; resume the targets, and start another replay for the rest"
    }

    /// For `status`: replays that have stood still for an hour and more, and until when events are kept for them.
    package var warnings: [String] {
        replays.values.sorted { $0.request.name < $1.request.name }.compactMap { replay in
            guard replay.ended == nil, let still = replay.still, still >= Self.hour else { return nil }
            let left = max(0, Self.longestStill - still) / Self.hour
            return
                "replay \(replay.request.name) has not got on for \(still / Self.hour) hours: the journal keeps what it "
                + "has still to read for \(left) more hours, then the replay ends; resume its targets (`sluice rules "
                + "resume`) or cancel it (`sluice replay cancel \(replay.request.name)`)"
        }
    }
}
