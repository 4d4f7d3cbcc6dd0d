package import HostAPI
import Journal
import UVLoop

extension HostController {
    package func startReplay(_ request: ReplayRequest) async throws -> ReplayInfo {
        try host.admission.check()
        try await host.requireLetGo()
        do {
            return try await host.replays.start(request)
        } catch let error as JournalError {
            throw APIError.unavailable("the replay was not started: \(error.message)")
        }
    }

    package func listReplays() async throws -> [ReplayInfo] { try await host.replays.list() }

    package func replay(name: String) async throws -> ReplayInfo { try await found(host.replays.info(name), name) }

    package func cancelReplay(name: String) async throws -> ReplayInfo {
        let wasOver = await host.replays.replays[name]?.ended != nil
        do {
            // What one that has ended leaves to be dropped may stand in the log, which a held host does not read.
            if try await host.replays.info(name)?.ended != nil { try await host.requireLetGo() }
            return try await found(host.replays.cancel(name), name)
        } catch let error as JournalError {
            // What runs has heard of it; of one that has ended nothing was dropped.
            guard !wasOver, let replay = try? await host.replays.info(name),
                replay.state == .cancelling || replay.state == .cancelled
            else {
                throw APIError.unavailable(
                    "the replay was not cancelled, for the journal cannot write: \(error.message)",
                    hint: error.isPassing ? "make room on the data folder's disk, and cancel it again" : nil)
            }
            throw APIError.unavailable(
                "replay \(name) replays nothing more, but the journal cannot write that now: \(error.message)",
                hint: Self.writtenLater)
        }
    }

    private func found(_ replay: ReplayInfo?, _ name: String) throws -> ReplayInfo {
        guard let replay else {
            throw APIError.notFound("replay", name, hint: "`sluice replay list` shows them")
        }
        return replay
    }
}
