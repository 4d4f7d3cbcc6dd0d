import Glibc
import HostAPI

/// What is said of a host that nobody reaches, and of one that does not answer.
extension HostClient {
    /// Nothing listens on the folder's socket.
    var noHost: APIError {
        guard let holder = FolderHolder(dataFolder: dataFolder) else {
            return .unavailable(
                "no host is running on \(dataFolder)", hint: "start one with: sluice up --data \(dataFolder)")
        }
        if holder.isStopped {
            return .unavailable(
                "process \(holder.process) holds \(dataFolder) and is stopped",
                hint: "let it go on: kill -CONT \(holder.process)")
        }
        guard let step = holder.step else {
            return .unavailable(
                "process \(holder.process) holds \(dataFolder) and does not answer: its host starts or stops",
                hint: "try again in a moment")
        }
        return .unavailable(
            "the host on \(dataFolder) is starting (process \(holder.process)): \(step)",
            hint: "try again in a moment")
    }

    /// Looks every few seconds whether the host that a caller waits for answers anybody, and says so once where it does
    /// not: a call may take as long as an invocation, and a host that is stopped looks the same from here.
    func watchSilence() -> Task<Void, Never>? {
        guard let onSilence else { return nil }
        return Task {
            let began = ContinuousClock.now
            while true {
                guard (try? await Task.sleep(for: .seconds(3))) != nil else { return }
                let isAnswering = await isAnswering(within: .seconds(2))
                guard !Task.isCancelled else { return }
                guard !isAnswering else { continue }
                let holder = FolderHolder(dataFolder: dataFolder)
                let who = holder.map { "process \($0.process)" } ?? "a host"
                let seconds = (ContinuousClock.now - began).components.seconds
                return onSilence(
                    "\(who) holds \(dataFolder) and has not answered for \(seconds) s; waiting for it",
                    holder?.isStopped == true
                        ? "it is stopped; let it go on: kill -CONT \(holder?.process ?? "")"
                        : "Ctrl-C gives up; what it does: its log, or `ps -fp \(holder?.process ?? "")`")
            }
        }
    }

    private func isAnswering(within limit: Duration) async -> Bool {
        var silent = self
        silent.onSilence = nil
        let client = silent
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask { (try? await client.health()) != nil }
            group.addTask {
                try? await Task.sleep(for: limit)
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
    }
}
