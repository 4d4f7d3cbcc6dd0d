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
        do {
            // What one that has ended leaves to be dropped may stand in the log, which a held host does not read.
            if try await host.replays.info(name)?.ended != nil { try await host.requireLetGo() }
            return try await found(host.replays.cancel(name), name)
        } catch let error as JournalError {
            throw APIError.unavailable("the replay was not cancelled: \(error.message)")
        }
    }

    private func found(_ replay: ReplayInfo?, _ name: String) throws -> ReplayInfo {
        guard let replay else {
            throw APIError.notFound("replay", name, hint: "`sluice replay list` shows them")
        }
        return replay
    }
}
