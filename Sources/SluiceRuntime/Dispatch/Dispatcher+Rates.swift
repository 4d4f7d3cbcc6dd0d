import AppConfig
import Journal
import UVLoop

/// What the journal keeps of slow rates.
extension Dispatcher {
    private nonisolated static let ratePrefix = "rate/"

    private nonisolated static func name(_ owner: RateOwner) -> String {
        switch owner {
        case .subscription(let id): "\(ratePrefix)s/\(id.value)"
        case .downstream(let name): "\(ratePrefix)d/\(name)"
        }
    }

    private nonisolated static func owner(_ name: String) -> RateOwner? {
        let rest = name.dropFirst(ratePrefix.count)
        if rest.hasPrefix("d/") { return .downstream(String(rest.dropFirst(2))) }
        guard rest.hasPrefix("s/"), let id = Int64(rest.dropFirst(2)) else { return nil }
        return .subscription(SubscriptionID(id))
    }

    /// Stores when the slow rates that have just let something start would be full again, in microseconds since 1970.
    func storeRates() {
        let spent = core.takeSpentRates(now: clock.now)
        guard !spent.isEmpty else { return }
        var batch = Batch()
        for (owner, left) in spent {
            batch.control.append(
                .putValue(name: Self.name(owner), body: Array("\(clock.wall * 1000 + left)".utf8)))
        }
        committer.enqueue(batch)
    }

    /// Goes on with the rates of an earlier life, and forgets those of what is gone.
    package func loadRates() async throws {
        let journal = journal
        let stored = try await files.run { try journal.values(prefix: Self.ratePrefix).map { ($0.name, $0.body) } }
        var left: [RateOwner: Int64] = [:]
        var batch = Batch()
        for (name, body) in stored {
            guard let owner = Self.owner(name), let full = Int64(String(decoding: body, as: UTF8.self)),
                isKnown(owner)
            else {
                batch.control.append(.removeValue(name: name))
                continue
            }
            left[owner] = full - clock.wall * 1000
        }
        core.resumeRates(left, now: clock.now)
        if !batch.isEmpty { _ = try await committer.commit(batch) }
    }

    private func isKnown(_ owner: RateOwner) -> Bool {
        switch owner {
        case .subscription(let id): deployment.subscription(id)?.delivery?.rateLimit != nil
        case .downstream(let name): deployment.app.downstreams?.contains { $0.name == name } == true
        }
    }
}
