import Synchronization

/// A journal that forgets everything at the end of the process: for tests and the simulator.
///
/// It has no thread of its own. A batch commits on the thread that submits it, observer and completions included, so a
/// single-threaded test is deterministic; what a completion submits in turn commits after the current batch. Readers
/// see each commit whole.
package final class InMemoryJournal: JournalStore {
    private struct Queued: Sendable {
        var batch: Batch
        var completion: @Sendable (Result<Receipt, JournalError>) -> Void
    }

    private struct Shared: Sendable {
        var state: InMemoryState
        var queue: [Queued] = []
        var isDraining = false
        var isClosed = false
        var observer: (@Sendable ([CommittedRecord]) -> Void)?
        var commitObserver: (@Sendable () -> Void)?
        var rematch: (@Sendable (Append, Int64) -> Append)?
        var fault: (@Sendable (Batch) -> JournalError?)?
        var readFault: (@Sendable (Reading) -> JournalError?)?
    }

    /// Reads that a test can make fail.
    package enum Reading: Sendable, Hashable {
        case progress
        case deadLetters(after: Int64)
        case deadLetter(id: Int64)
    }

    private let shared: Mutex<Shared>

    package init() { shared = Mutex(Shared(state: InMemoryState())) }

    private init(state: InMemoryState) { shared = Mutex(Shared(state: state)) }

    /// The journal as the next life of the host would find it: what was committed, a higher boot, no closures.
    /// - Parameter clean: whether this life ended with `close`.
    package func restarted(clean: Bool = false) -> InMemoryJournal {
        var state = shared.withLock { $0.state }
        state.boot += 1
        state.wasUnclean = !clean
        return InMemoryJournal(state: state)
    }

    /// Asked before each batch; an error it returns is the batch's result, and nothing of the batch is done. For tests
    /// of disk errors.
    package func injectFault(_ fault: (@Sendable (Batch) -> JournalError?)?) {
        shared.withLock { $0.fault = fault }
    }

    /// Asked before each of the reads that `Reading` names; an error it returns is the read's result.
    package func injectReadFault(_ fault: (@Sendable (Reading) -> JournalError?)?) {
        shared.withLock { $0.readFault = fault }
    }

    func check(_ reading: Reading) throws(JournalError) {
        if let error = shared.withLock({ $0.readFault })?(reading) { throw error }
    }

    package func observeAppends(_ observer: @escaping @Sendable ([CommittedRecord]) -> Void) {
        shared.withLock { $0.observer = observer }
    }

    /// Called after each batch and its completion, whatever became of it. For tests that wait for something.
    package func observeCommits(_ observer: @escaping @Sendable () -> Void) {
        shared.withLock { $0.commitObserver = observer }
    }

    package func setRematch(_ rematch: @escaping @Sendable (Append, Int64) -> Append) {
        shared.withLock { $0.rematch = rematch }
    }

    package func submit(
        _ batch: consuming Batch, mayWait: Bool,
        completion: @escaping @Sendable (Result<Receipt, JournalError>) -> Void
    ) {
        let queued = Queued(batch: batch, completion: completion)
        enum Next { case drain, nothing, refuse }
        let next: Next = shared.withLock {
            guard !$0.isClosed else { return .refuse }
            $0.queue.append(queued)
            if $0.isDraining { return .nothing }
            $0.isDraining = true
            return .drain
        }
        switch next {
        case .refuse: completion(.failure(.closedJournal))
        case .nothing: break
        case .drain: drain()
        }
    }

    /// Nothing ever waits here.
    package func hurry() {}

    /// A restart says how the journal ended.
    package func leaveUnclean() {}

    package func close() { shared.withLock { $0.isClosed = true } }

    private func drain() {
        while true {
            let queue = shared.withLock { shared in
                let queue = shared.queue
                shared.queue = []
                if queue.isEmpty { shared.isDraining = false }
                return queue
            }
            guard !queue.isEmpty else { return }
            for queued in queue {
                commit(queued)
                if let observer = shared.withLock({ $0.commitObserver }) { observer() }
            }
        }
    }

    private func commit(_ queued: Queued) {
        var batch = queued.batch
        // Only the draining thread changes the state, so the rule set cannot move between this look and the commit.
        let (ruleSet, rematch, fault) = shared.withLock { ($0.state.ledger.ruleSet, $0.rematch, $0.fault) }
        do throws(JournalError) {
            if let error = fault?(batch) { throw error }
            try batch.match(ruleSet: ruleSet, rematch: rematch)
            let matched = batch
            let applied = shared.withLock { shared -> Result<(Receipt, [CommittedRecord]), JournalError> in
                do throws(JournalError) {
                    let (receipt, start) = try shared.state.apply(matched)
                    return .success((receipt, Array(shared.state.log[Int(start - shared.state.trimmed)...])))
                } catch { return .failure(error) }
            }
            let (receipt, records) = try applied.get()
            if !records.isEmpty, let observer = shared.withLock({ $0.observer }) { observer(records) }
            queued.completion(.success(receipt))
        } catch {
            queued.completion(.failure(error))
        }
    }

    /// Reads one consistent state.
    func read<R>(_ body: (borrowing InMemoryState) -> R) -> R where R: Sendable {
        shared.withLock { body($0.state) }
    }

    func change<R>(_ body: (inout InMemoryState) -> R) -> R where R: Sendable {
        shared.withLock { body(&$0.state) }
    }
}

extension JournalError {
    static var closedJournal: JournalError {
        JournalError(.closed, "The journal is closed; the host is stopping.")
    }
}

extension Batch {
    /// Matches the appends again whose rule set is another than the one that counts, given that `ruleSet` is in force
    /// before the batch.
    mutating func match(ruleSet: Int64, rematch: (@Sendable (Append, Int64) -> Append)?) throws(JournalError) {
        var inForce = ruleSet
        for case .deploy(let deployed, _) in control { inForce = deployed }
        // Looked at before anything is written: a loop that might write copies all appends, which are shared.
        guard hasAppends(notOf: inForce) else { return }
        for index in appends.indices where appends[index].ruleSet != inForce {
            guard let rematch else {
                throw JournalError(
                    .constraint,
                    "Event \(appends[index].eventID) was matched with rule set \(appends[index].ruleSet), but \(inForce) is "
                        + "in force and nothing was set to match it again (setRematch).")
            }
            appends[index] = rematch(appends[index], inForce)
        }
    }

    private func hasAppends(notOf ruleSet: Int64) -> Bool { appends.contains { $0.ruleSet != ruleSet } }
}
