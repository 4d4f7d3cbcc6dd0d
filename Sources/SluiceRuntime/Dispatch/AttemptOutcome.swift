/// What an attempt came to, as it is counted and shown.
package enum AttemptOutcome: String, Sendable {
    case succeeded
    /// Some of a batch's records failed.
    case partial
    case failed
    case superseded
}

extension Verdict {
    package var outcome: AttemptOutcome {
        guard case .records(let verdicts) = self else {
            switch self {
            case .failed, .failedBeside: return .failed
            case .superseded: return .superseded
            case .succeeded, .records: return .succeeded
            }
        }
        var (good, superseded) = (false, false)
        for verdict in verdicts {
            switch verdict {
            case .succeeded, .dropped: good = true
            case .superseded: superseded = true
            case .failed, .notReached: break
            }
        }
        if hasFailure { return good ? .partial : .failed }
        return !good && superseded ? .superseded : .succeeded
    }

    /// The same for a batch of `count`, of which the works at the indices `replaced` are superseded. Where it failed as
    /// a whole the others run again without these, uncharged: nothing but their being replaced has failed where that is
    /// what the handler says, and otherwise something has. `isLost`: also those that succeeded, because their effects
    /// cannot be published.
    package func superseding(_ replaced: Set<Int>, of count: Int, isLost: Bool) -> Verdict {
        guard count > 1, !replaced.isEmpty else { return self }
        var verdicts: [RecordVerdict]
        switch self {
        case .superseded, .failedBeside: return self
        case .succeeded: verdicts = Array(repeating: .succeeded, count: count)
        case .failed(let summary, let kind) where summary.code != "ObjectChanged":
            return .failedBeside(replaced, summary, kind)
        case .failed: verdicts = Array(repeating: .notReached, count: count)
        case .records(let given):
            guard given.count == count else { return self }
            verdicts = given
        }
        for index in verdicts.indices {
            if replaced.contains(index) {
                verdicts[index] = .superseded
            } else if isLost {
                switch verdicts[index] {
                case .succeeded, .dropped: verdicts[index] = .notReached
                case .superseded, .failed, .notReached: break
                }
            }
        }
        return .records(verdicts)
    }
}
