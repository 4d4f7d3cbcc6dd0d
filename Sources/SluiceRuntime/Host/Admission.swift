import Glibc
package import HostAPI
import Synchronization

/// Whether the host takes events in now, answered on any thread: asking the control plane's loop would cost a request
/// of a few events more than its own work.
package final class Admission: Sendable {
    private struct State {
        var phase = HealthReport.State.starting
        var minimumFreeBytes: Int64 = 0
        var freeBytes: Int64 = -1
        var looked: ContinuousClock.Instant?
    }

    private let folder: String
    private let state = Mutex(State())
    /// For how long the disk is taken to be as it was found. The journal looks for itself every second, and a write
    /// that fails all the same is refused and loses nothing.
    private static let trust = Duration.milliseconds(20)

    package init(dataFolder: String) {
        folder = dataFolder
    }

    /// The host's phase, set by the control plane.
    package var phase: HealthReport.State {
        get { state.withLock(\.phase) }
        set { state.withLock { $0.phase = newValue } }
    }

    /// `limits.minFree` of the deployment in force.
    package func setMinimumFree(_ bytes: Int64) {
        state.withLock { $0.minimumFreeBytes = bytes }
    }

    /// Bytes free on the data folder's disk now; below zero where that cannot be told.
    package var freeBytes: Int64 {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return -1 }
        return Int64(status.f_bavail) * Int64(status.f_frsize)
    }

    /// Whether the disk has room for more events.
    package var hasRoom: Bool { shortage == nil }

    /// Throws while the host accepts no events: not ready, or short of disk.
    package func check() throws {
        let phase = phase
        guard phase == .ready else { throw APIError.unavailable("the host is \(phase.rawValue)") }
        if let shortage {
            throw APIError.unavailable(
                "only \(shortage.free >> 20) MB are free on the data folder's disk, fewer than limits.minFree "
                    + "(\(shortage.least >> 20) MB)",
                hint: "make room; what was accepted is safe and goes on")
        }
    }

    /// How much is free and how much ought to be, where it is less.
    private var shortage: (free: Int64, least: Int64)? {
        let now = ContinuousClock.now
        return state.withLock { state in
            // While room is missing every call looks again: room that was made counts at once.
            let isKnown = state.looked.map { now - $0 < Self.trust } ?? false
            if !isKnown || state.freeBytes < state.minimumFreeBytes {
                state.freeBytes = freeBytes
                state.looked = now
            }
            guard state.freeBytes >= 0, state.freeBytes < state.minimumFreeBytes else { return nil }
            return (state.freeBytes, state.minimumFreeBytes)
        }
    }
}
