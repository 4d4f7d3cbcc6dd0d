import AppConfig
import CLinux
import Glibc
import HostAPI
import Journal
import ObjectStore
import Schedules
import UVLoop

extension HostRuntime {
    /// The host at one moment, for `status`.
    struct Snapshot: Sendable {
        var health: HealthReport
        /// Whether new events are taken: it is ready, and its disk has room.
        var isAccepting: Bool
        var started: Milliseconds
        var dataFolder: String
        var appFolder: String?
        var boot: Int64
        var deployment: Deployment
        var journalBytes: Int64
        var freeBytes: Int64
        var warnings: [String]
        /// The journal takes nothing new: its disk is full, short, or fails.
        var cannotWrite: Bool
    }

    var health: HealthReport { HealthReport(state: phase, version: Self.version, isHeld: isHeld ? true : nil) }

    package var deployment: Deployment { dispatcher.deployment }

    /// The folder of the app in force; nil where none is.
    package var appFolder: String? { deployment.appFolder.isEmpty ? nil : deployment.appFolder }

    var snapshot: Snapshot {
        var warnings = notes.values.sorted() + lossWarnings + replays.warnings
        if let trouble = committer.trouble { warnings.append("the journal cannot write: \(trouble.message)") }
        let free = freeBytes
        // The journal wants more to take producers again than it wants to go on taking them.
        let least = max(Int64(deployment.app.limits.minFreeMegabytes) << 20, journal.freeBytesWanted)
        let isShort = free >= 0 && free < least
        if isShort {
            warnings.append(
                "only \(free >> 20) MB are free on the data folder's disk: no events are accepted until "
                    + "\((least + (1 << 20) - 1) >> 20) MB are")
        }
        for report in schedules.reports {
            if let trouble = report.trouble { warnings.append("schedule \(report.id.rule) does not run: \(trouble)") }
        }
        if let failed = router.unmatchable {
            warnings.append(
                "\(failed.count) \(failed.count == 1 ? "event" : "events") could not be read and went to no rule: "
                    + "\(failed.error) (the last one, on bus \(failed.bus))")
        }
        let undecided = router.undecided
        if undecided > 0 {
            warnings.append(
                "\(undecided) \(undecided == 1 ? "time" : "times") a rule could not decide about an event; such deliveries "
                    + "are dead letters: sluice dlq list --code MatchUndecided")
        }
        if let (delivery, reason) = dispatcher.unloaded.min(by: { $0.key.ordinal < $1.key.ordinal }) {
            warnings.append(
                "\(dispatcher.unloaded.count) of what was being redriven cannot be read and is left where it is "
                    + "(the first: delivery \(delivery.ordinal) of subscription \(delivery.subscription.value)): \(reason)"
            )
        }
        return Snapshot(
            health: health, isAccepting: phase == .ready && !isShort, started: started, dataFolder: options.dataFolder,
            appFolder: appFolder, boot: state.boot,
            deployment: deployment, journalBytes: journalBytes, freeBytes: free, warnings: warnings,
            cannotWrite: isShort || committer.trouble != nil)
    }

    private var journalBytes: Int64 {
        ["journal/journal.sqlite", "journal/journal.sqlite-wal"].reduce(0) { sum, name in
            var status = stat()
            return stat("\(options.dataFolder)/\(name)", &status) == 0 ? sum + Int64(status.st_size) : sum
        }
    }

    var phase: HealthReport.State { admission.phase }

    var freeBytes: Int64 { admission.freeBytes }

    var openBuckets: [Bucket] { buckets.all }

    func isOffered(_ function: String) -> Bool { dispatcher.isOffered(function) }

    func path(ofBucket name: String) -> String? { buckets[name]?.path }

    var subscriptionNames: [SubscriptionID: SubscriptionSettings] {
        Dictionary(
            (deployment.subscriptions + deployment.replays.subscriptions).map { ($0.id, $0) },
            uniquingKeysWith: { first, _ in first })
    }

    var runningDeliveries: Set<Delivery> {
        Set(dispatcher.attempts.values.flatMap { $0.attempt.works.map(\.delivery) })
    }

    var inFlight: [SubscriptionID: Int] {
        var counts: [SubscriptionID: Int] = [:]
        for context in dispatcher.attempts.values {
            // By whose delivery it is: a redrive to another function runs in no subscription of the journal.
            for work in context.attempt.works { counts[work.delivery.subscription, default: 0] += 1 }
        }
        return counts
    }

    /// What redrives have sent elsewhere and does not run: how many wait for a function, by their own subscription.
    var sentElsewhere: [SubscriptionID: [String: Int64]] {
        guard !dispatcher.laneKeys.isEmpty else { return [:] }
        let running = Set(dispatcher.attempts.values.lazy.flatMap(\.attempt.works).compactMap(\.deadLetter))
        return dispatcher.laneKeys.reduce(into: [:]) { waiting, sent in
            guard !running.contains(sent.key) else { return }
            waiting[sent.value.subscription, default: [:]][sent.value.function, default: 0] += 1
        }
    }

    var functionStatuses: [String: FunctionStatus] {
        ofFunctions.merging(ofOutside) { function, _ in function }
    }

    /// Webhooks and commands, as if they were functions.
    private var ofOutside: [String: FunctionStatus] {
        var statuses: [String: FunctionStatus] = [:]
        for settings in deployment.subscriptions where settings.isOutside {
            let name = settings.function
            let tally = dispatcher.tallies[name] ?? FunctionTally()
            let running = dispatcher.attempts.values.count { $0.attempt.function == name }
            statuses[name] = FunctionStatus(
                name: name, version: 0, state: "ready", concurrency: settings.outsideConcurrency, busyWorkers: running,
                idleWorkers: 0, waiting: 0, inFlight: Int64(running), succeeded: tally.succeeded, failed: tally.failed,
                partial: tally.partial,
                medianMilliseconds: tally.percentile(0.5), p99Milliseconds: tally.percentile(0.99))
        }
        return statuses
    }

    private var ofFunctions: [String: FunctionStatus] {
        deployment.functions.mapValues { version in
            let counts = pool.counts(of: version.workerVersion)
            let tally = dispatcher.tallies[version.name] ?? FunctionTally()
            let direct = dispatcher.directSubscriptions[version.name].map { dispatcher.core.ready(of: $0) } ?? 0
            return FunctionStatus(
                name: version.name, version: version.version, state: pool.trouble(of: version.workerVersion) ?? "ready",
                concurrency: version.definition.reservedConcurrency ?? cores, busyWorkers: counts.busy,
                idleWorkers: counts.idle, waiting: Int64(direct),
                inFlight: Int64(dispatcher.attempts.values.count { $0.attempt.function == version.name }),
                succeeded: tally.succeeded, failed: tally.failed, partial: tally.partial,
                medianMilliseconds: tally.percentile(0.5),
                p99Milliseconds: tally.percentile(0.99))
        }
    }

    func invoke(_ function: String, payload: [UInt8], eventID: String) async -> Dispatcher.DirectResult? {
        await dispatcher.invoke(function, payload: payload, eventID: eventID)
    }

    /// Gives dead letters up for good: they count as purged, and what they kept is removed. How many there were.
    func purge(_ selection: DeadLetterSelection) async throws -> Int {
        let (journal, chooser) = (journal, try DeadLetterChooser(selection))
        var (purged, after): (Int, Int64) = (0, 0)
        while true {
            // What a redrive has taken since is no longer there to be purged: each page is read in its turn.
            let from = after
            let page = try await redrives.exclusively {
                let page = try await files.run { try chooser.page(journal, after: from, limit: 500) }
                if !page.letters.isEmpty { try await purge(page.letters) }
                return page
            }
            purged += page.letters.count
            guard page.isFull, let last = page.last else { break }
            after = last
        }
        await replays.closeSettled()
        return purged
    }

    private func purge(_ letters: [DeadLetter]) async throws {
        var batch = Batch()
        var outcomes: [String] = []
        for letter in letters {
            batch.deadLetters.append(.setState(id: letter.id, .purged))
            if let parked = JSONText.decode(DeliveryMemo.self, from: letter.history)?.parked {
                batch.control.append(.removeValue(name: parked))
                outcomes.append(parked)
            }
        }
        let (journal, names) = (journal, outcomes)
        let decisions = try await files.run {
            try names.compactMap { try journal.value(name: $0) }.compactMap { JSONText.decode(Decision.self, from: $0) }
        }
        _ = try await committer.command(batch)
        dispatcher.purged(letters)
        for decision in decisions { publisher.discardStaging(of: decision) }
        let inputs = dispatcher.inputs
        // Kept for a while where the app says so: the hourly pass takes them.
        guard deployment.app.retention.keptInputDays ?? 0 == 0 else { return }
        files.perform { for letter in letters { inputs.release(letter) } }
    }
}
