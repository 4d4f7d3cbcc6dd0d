package import Journal
package import Logging
package import UVLoop

/// The control plane's way into the journal: one batch in flight at a time, everything asked meanwhile merged into the
/// next. That is group commit without a timer, and it keeps an order that a full disk cannot break: nothing later is
/// written before what failed has been.
@LoopActor
package final class Committer {
    package typealias Completion = @LoopActor (Result<Receipt, JournalError>) -> Void

    /// What becomes of a part while the journal refuses to write for a reason that may pass.
    package enum Refusal: Sendable {
        /// It waits, in its place, and whoever asked with it.
        case waits
        /// It waits, but who asked is told at once: somebody stands before a disk that is full, and what they asked for
        /// is done in memory.
        case tells
        /// It is given up, and who asked is told. Nothing of it comes into the journal later.
        case withdraws
    }

    private struct Part {
        var batch: Batch
        var mayWait: Bool
        var refusal = Refusal.waits
        var completion: Completion?
        /// Where the part's dead letters are in the merged receipt.
        var deadLetters = 0
        var appends = 0
        var weight = 0
        var bytes = 0
    }

    /// What one transaction takes: a single part in any case, several up to this (docs/journal-format.md). A page of a
    /// redrive is to have room with what settles meanwhile: another transaction would cost another sync.
    private static let maximumRecords = 4000
    private static let maximumBytes = 4 << 20

    private let journal: any JournalStore
    private var waiting: [Part] = []
    private var inFlight: [Part] = []
    private var timer: LoopTimer?
    /// What is in flight waits in the journal for another commit to go with, or for this.
    private var hurry: LoopTimer?
    private var isHeldBack = false
    /// What waits is nothing but settlements, and the last ones went a moment ago.
    private var pause: LoopTimer?
    /// When the next settlements may go, on the loop's clock.
    private var pauseEnds: UInt64 = 0
    /// Who waits for the end of all this.
    private var drained: [() -> Void] = []
    /// How long it waits at most.
    private static let patience = Duration.milliseconds(2)
    /// Set while the journal refuses to write (full disk): shown by `status`, cleared by the next success.
    package private(set) var trouble: JournalError?

    private let log: Logger
    /// Settlements go no more often: beside small requests each commit would rewrite the page of progress, a sixth of
    /// what it writes, and wake the loop to hear of it. Nanoseconds.
    private let pauseLength: UInt64
    private var deadLetterObserver: (@LoopActor ([DeadLetterChange]) -> Void)?

    /// `settlingEvery`: milliseconds.
    package init(journal: any JournalStore, log: Logger, settlingEvery milliseconds: Int = 1) {
        self.journal = journal
        self.log = log
        pauseLength = UInt64(milliseconds) * 1_000_000
    }

    /// Calls `observer` with what has durably become of dead letters, before the completion of the part that did it.
    package func observeDeadLetters(_ observer: @escaping @LoopActor ([DeadLetterChange]) -> Void) {
        deadLetterObserver = observer
    }

    package var isIdle: Bool { waiting.isEmpty && inFlight.isEmpty }

    /// Queues a part. Its completion runs on the loop once it is durable, or was refused for its own content. A full
    /// disk, or whatever else may pass, is not reported here but waited out, unless `refusal` says otherwise.
    /// - Parameter mayWait: it goes with a commit of a producer, or by itself, after what is left of the pause between
    ///   such commits and two milliseconds.
    package func enqueue(
        _ batch: Batch, mayWait: Bool = false, refusal: Refusal = .waits, completion: Completion? = nil
    ) {
        let part = Part(
            batch: batch, mayWait: mayWait, refusal: refusal, completion: completion,
            deadLetters: batch.insertedDeadLetters, appends: batch.appends.count, weight: batch.weight,
            bytes: batch.byteCount)
        if needsRestart, let trouble, refusal != .waits {
            // What waits is done by nobody in this life.
            completion?(.failure(trouble))
            return
        }
        waiting.append(part)
        if inFlight.isEmpty, timer != nil, refusal != .waits {
            // Somebody asks: it is not said without having been tried.
            timer?.cancel()
            timer = nil
            submit()
        } else if inFlight.isEmpty {
            if timer == nil, !needsRestart { mayWait ? submitOrPause() : submit() }
        } else if !mayWait {
            endPatience()
        }
    }

    /// Somebody waits behind what is in flight.
    private func endPatience() {
        hurry?.cancel()
        hurry = nil
        guard isHeldBack else { return }
        isHeldBack = false
        journal.hurry()
    }

    /// Waits until everything asked is written; not for a journal that refuses, even if it begins to while this waits.
    package func drain() async {
        guard !isIdle, trouble == nil else { return }
        if pause != nil { submit() }
        endPatience()
        await withCheckedContinuation { continuation in drained.append { continuation.resume() } }
    }

    private func endDrains() {
        let waiters = drained
        drained = []
        for waiter in waiters { waiter() }
    }

    private func submitOrPause() {
        guard drained.isEmpty, UVLoop.now() < pauseEnds, waiting.allSatisfy(\.mayWait) else { return submit() }
        if pause == nil { pause = LoopTimer.at(pauseEnds) { [weak self] in self?.submit() } }
    }

    private func submit() {
        pause?.cancel()
        pause = nil
        guard !waiting.isEmpty else { return inFlight.isEmpty ? endDrains() : () }
        takeGroup()
        var merged = Batch()
        for part in inFlight { merged.merge(part.batch) }
        isHeldBack = inFlight.allSatisfy(\.mayWait)
        if isHeldBack { pauseEnds = UVLoop.now() + pauseLength }
        journal.submit(merged, mayWait: isHeldBack) { result in
            LoopActor.submit { self.finished(result) }
        }
        if isHeldBack, hurry == nil {
            hurry = LoopTimer.after(Self.patience) { [weak self] in self?.endPatience() }
        }
    }

    /// Moves what one transaction takes from what waits to what is in flight.
    private func takeGroup() {
        var (weight, bytes, count) = (0, 0, 0)
        for part in waiting {
            weight += part.weight
            bytes += part.bytes
            if count > 0, weight > Self.maximumRecords || bytes > Self.maximumBytes { break }
            count += 1
        }
        // On a full disk everything goes together: what only brings new work is refused there, what settles is not.
        if count == waiting.count || trouble?.code == .diskFull {
            inFlight = waiting
            waiting = []
        } else {
            inFlight = Array(waiting.prefix(count))
            waiting.removeFirst(count)
        }
    }

    private func finished(_ result: Result<Receipt, JournalError>) {
        // Until the end this counts as in flight: what a completion asks for at once must not be submitted from within.
        let parts = inFlight
        isHeldBack = false
        switch result {
        case .success(let receipt):
            recover()
            var appended = receipt.appended[...]
            var deadLetters = receipt.deadLetters[...]
            for part in parts {
                let own = Receipt(
                    appended: Array(appended.prefix(part.appends)),
                    deadLetters: Array(deadLetters.prefix(part.deadLetters)))
                appended = appended.dropFirst(part.appends)
                deadLetters = deadLetters.dropFirst(part.deadLetters)
                if !part.batch.deadLetters.isEmpty { deadLetterObserver?(part.batch.deadLetters) }
                part.completion?(.success(own))
            }
        case .failure(let error) where error.isPassing:
            inFlight = []
            if error.code == .needsRestart {
                log.critical("the journal cannot be written any more", metadata: ["error": "\(error)"])
            } else if trouble?.code != error.code, parts.contains(where: { $0.refusal != .withdraws }) {
                log.error("the journal cannot be written; tried again every second", metadata: ["error": "\(error)"])
            }
            // What waits behind these has not been tried, nor will it be before them. On a full disk it goes with them.
            let isKnown = trouble != nil && error.code != .diskFull
            trouble = error
            holdBack(parts, after: error, withAll: isKnown || needsRestart)
            return
        case .failure(let error) where parts.count > 1 && error.code != .closed:
            // One part's fault must not be its neighbours': each again by itself.
            resubmit(parts[...])
            return
        case .failure(let error):
            for part in parts { refuse(part, error) }
        }
        inFlight = []
        waiting.isEmpty ? submit() : submitOrPause()
    }

    /// What waits is not refused: nobody may take it for settled or unknown. The next life does it again.
    /// - Parameter withAll: what was asked behind `parts` is not tried soon, either: who asked is told.
    private func holdBack(_ parts: [Part], after error: JournalError, withAll: Bool) {
        let heard = withAll ? parts + waiting : parts
        let told = heard.filter { $0.refusal != .waits }
        waiting =
            heard.filter { $0.refusal != .withdraws }.map { part in
                var part = part
                if part.refusal == .tells { (part.refusal, part.completion) = (.waits, nil) }
                return part
            } + (withAll ? [] : waiting)
        endDrains()
        // Where nothing waits, nobody would find out when the trouble is over.
        if waiting.isEmpty, !needsRestart {
            trouble = nil
        } else if !needsRestart {
            timer = LoopTimer.after(.milliseconds(1000)) { [weak self] in
                self?.timer = nil
                self?.submit()
            }
        }
        for part in told { part.completion?(.failure(error)) }
    }

    /// Nothing more is tried in this life.
    private var needsRestart: Bool { trouble?.code == .needsRestart }

    private func recover() {
        if trouble != nil { log.notice("the journal can be written again") }
        trouble = nil
    }

    /// A part that contradicts the journal is a defect; nobody may miss it.
    private func refuse(_ part: Part, _ error: JournalError) {
        if part.completion == nil, error.code != .closed {
            log.critical("the journal refused a settlement", metadata: ["error": "\(error)"])
        }
        part.completion?(.failure(error))
    }

    private func resubmit(_ parts: ArraySlice<Part>) {
        guard let part = parts.first else {
            inFlight = []
            return submit()
        }
        inFlight = [part]
        journal.submit(part.batch) { result in
            Task { @LoopActor in
                if case .failure(let error) = result, error.isPassing {
                    self.inFlight = Array(parts)
                    self.finished(.failure(error))
                    return
                }
                if case .failure(let error) = result {
                    self.refuse(part, error)
                } else {
                    self.recover()
                    if !part.batch.deadLetters.isEmpty { self.deadLetterObserver?(part.batch.deadLetters) }
                    part.completion?(result)
                }
                self.resubmit(parts.dropFirst())
            }
        }
    }
}

extension JournalError {
    /// It can go away by itself: somebody makes room, a cable is put back, another process lets the database go. What
    /// is not known to be for good is taken to pass: an outcome that is thrown away is lost, one that waits is not.
    package var isPassing: Bool { code != .constraint && code != .closed && code != .corrupt }
}

extension Batch {
    var insertedDeadLetters: Int {
        deadLetters.count {
            if case .insert = $0 { true } else { false }
        }
    }

    mutating func merge(_ other: Batch) {
        control += other.control
        appends += other.appends
        settlements += other.settlements
        pending += other.pending
        deadLetters += other.deadLetters
        decisions += other.decisions
        objects += other.objects
        catalog += other.catalog
        invocations += other.invocations
        isUrgent = isUrgent || other.isUrgent
    }
}
