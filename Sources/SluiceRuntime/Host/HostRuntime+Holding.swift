package import HostAPI
import Logging
import UVLoop

/// A host that is started to be looked at, from a backup above all: it takes events in and answers, and delivers
/// nothing, puts nothing that a clock would start, tells no alarm and removes nothing, until somebody lets it go.
extension HostRuntime {
    package var isHeld: Bool { dispatcher.isHeld }

    func hold() {
        dispatcher.hold()
        alarms.isHeld = true
        notes[Self.heldNote] =
            "the host is held (`sluice up --held`): nothing is delivered, no schedule or alarm goes off, nothing "
            + "expires; `sluice resume` lets it go"
        log.warning("the host is held: nothing is delivered before `sluice resume`")
    }

    /// Lets a host go that was started with `--held`: what waits is delivered, and what was due meanwhile is.
    /// - Returns: false where it was not held.
    package func letGo(by who: String?) async throws(APIError) -> Bool {
        guard phase == .ready else { throw .unavailable("the host is \(phase.rawValue)") }
        guard isHeld else { return false }
        log.notice("the host is let go", metadata: ["by": "\(who ?? "somebody unnamed")"])
        notes[Self.heldNote] = nil
        dispatcher.letGo()
        lookAtManifests()
        schedules.look()
        await alarms.letGo()
        keepHouse()
        return true
    }

    /// Manifests are looked at once all buckets have been looked through.
    func lookAtManifests() {
        mayLook = true
        if unscanned.isEmpty { manifests.beginLooking() }
    }

    /// Refuses what would run, send or remove something. What is asked for while nothing can come of it would only seem
    /// to hang.
    func requireLetGo() throws(APIError) {
        guard isHeld else { return }
        throw APIError(
            status: 409, code: "HostHeld",
            message: "the host is held: it was started with `--held`, and runs, sends and removes nothing",
            hint: "`sluice resume` lets it go, with all that waits")
    }

    /// In `notes`: the host is held.
    private static let heldNote = "held"
}
