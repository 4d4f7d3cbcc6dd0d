import HostAPI
import Journal
import UVLoop

/// Replays through targets that take several events at once: a replay puts batches together anew, and what a handler
/// makes of a batch as a whole is named by all of its events, so that it does not take the place of what the first run
/// has made.
extension ReplayPlan {
    /// Paths whose functions get batches.
    func batched(_ deployment: Deployment) -> [ReplayRecord.Path] {
        paths.filter { path in
            let settings = path.settings
            guard !settings.isOutside,
                let version = versions[settings.function] ?? deployment.function(settings.function)
            else { return false }
            return settings.batchSize > 1 && settings.takesSeveral(version)
        }
    }

    /// What somebody who replays these has to know. The same of each function once.
    static func warnings(_ paths: [ReplayRecord.Path], dryRun: Bool) -> [String] {
        var functions: [String] = []
        for function in paths.map(\.settings.function) where !functions.contains(function) {
            functions.append(function)
        }
        return functions.map { function in
            dryRun
                ? "\(function) takes batches, and a dry run hands every event over by itself: what the first run has made "
                    + "of several together is not compared (unknown). A replay puts batches together anew: files that "
                    + "\(function) makes of a batch as a whole stand beside those of the first run, and a table has the "
                    + "rows twice"
                : "\(function) takes batches, and a replay puts them together anew: files that it makes of a batch as a "
                    + "whole stand beside those of the first run, and a table has the rows twice"
        }
    }

    /// What of the first run, or of an earlier replay, is still there.
    struct LeftOver: Sendable {
        var function: String
        var attempt: AttemptID
        var object: String
        var events: Int
    }
}

/// Looks for what a first run, or an earlier replay, has made of several events together, or of a batch of one, and
/// what is still there. Blocking.
struct BatchLeftovers: Sendable {
    /// A path that gets batches: its function without a version, and the subscriptions whose runs count.
    struct Path: Sendable {
        var index: Int
        var function: String
        var subscriptions: Set<SubscriptionID>
    }

    enum Answer: Sendable {
        case nothing
        case found(ReplayPlan.LeftOver)
        /// There are more runs than are looked at.
        case unknown
    }

    /// As if it had begun: its range, its paths and its filter.
    let replay: ReplayRecord
    let paths: [Path]
    let journal: any JournalStore
    /// At most so many of the events' runs are looked at, and 25 times as many events without any.
    let most: Int

    func look() throws -> Answer {
        // Most functions have no such files, or few runs: nothing has to be read of the log then.
        if try paths.allSatisfy({ try hasSurelyNothing($0) }) { return .nothing }
        let matcher = try ReplayMatcher(replay.paths, filter: replay.request.eventPattern)
        var replay = replay
        var (looked, read) = (0, 0)
        // Of a path that has one subscription each event has succeeded once: what was beside it needs no look.
        var known: [Int: Set<String>] = [:]
        while !replay.isThrough {
            let (wanted, cursor) = try ReplayJobs.page(of: replay, matcher, limit: .max, journal)
            for (record, _, indexes) in wanted {
                let open = paths.filter { path in
                    indexes.contains(path.index) && known[path.index]?.remove(record.eventID) == nil
                }
                if open.isEmpty { continue }
                let rows = try journal.invocations(eventID: record.eventID)
                looked += rows.count
                for path in open {
                    for row in rows where isOf(path, row) {
                        if let left = try left(by: row) { return .found(left) }
                        guard path.subscriptions.count == 1, row.outcome == "succeeded" else { continue }
                        known[path.index, default: []].formUnion(row.eventIDs)
                        known[path.index]?.remove(record.eventID)
                    }
                }
                if looked > most { return .unknown }
            }
            read += max(1, Int(clamping: cursor - replay.cursor))
            replay.cursor = cursor
            if read > most * 25, !replay.isThrough { return .unknown }
        }
        return .nothing
    }

    /// None of the runs since the beginning of the range has made something that is there, whatever they were about.
    private func hasSurelyNothing(_ path: Path) throws -> Bool {
        let page = min(500, max(1, most))
        var before: AttemptID?
        for _ in 0..<max(1, most / page / 4) {
            let rows = try journal.invocations(function: path.function, before: before, limit: page)
            for row in rows where row.started >= replay.request.from.milliseconds && isOf(path, row) {
                if try left(by: row) != nil { return false }
            }
            guard rows.count == page, let last = rows.last, last.started >= replay.request.from.milliseconds else {
                return true
            }
            before = last.attempt
        }
        return false
    }

    private func isOf(_ path: Path, _ row: InvocationRecord) -> Bool {
        row.function == path.function && row.subscription.map(path.subscriptions.contains) == true
    }

    private func left(by row: InvocationRecord) throws -> ReplayPlan.LeftOver? {
        let effects = JSONText.decode(InvocationDetails.self, from: row.details)?.effects ?? []
        for effect in effects where effect.kind == "put" && effect.record == nil {
            guard let slash = effect.subject.utf8.firstIndex(of: UInt8(ascii: "/")) else { continue }
            let bucket = String(effect.subject[..<slash])
            let key = String(effect.subject[effect.subject.utf8.index(after: slash)...])
            guard let object = try journal.object(bucket: bucket, key: key), object.eventID == effect.event
            else { continue }
            return ReplayPlan.LeftOver(
                function: row.function, attempt: row.attempt, object: effect.subject, events: row.eventIDs.count)
        }
        return nil
    }
}

extension ReplayJobs {
    /// Rows that are there twice are found weeks later: what would add them says so before it begins.
    /// - Parameter replay: as it would begin.
    func refuseDoubling(_ replay: ReplayRecord, _ batched: [ReplayRecord.Path]) async throws {
        let request = replay.request
        guard !request.dryRun, request.addsAgain != true, !batched.isEmpty else { return }
        let paths = replay.paths.enumerated().compactMap { index, path -> BatchLeftovers.Path? in
            guard let original = path.original, batched.contains(where: { $0.settings.id == path.settings.id }) else {
                return nil
            }
            // What an earlier replay has made is named by the subscription that it had for a while.
            let copies = replays.values.filter { !$0.request.dryRun }.flatMap(\.paths)
                .filter { $0.original == original }.map(\.settings.id)
            // A version goes by its function's name.
            return BatchLeftovers.Path(
                index: index, function: String(path.settings.function.prefix { $0 != "@" }),
                subscriptions: Set(copies + [original]))
        }
        let search = BatchLeftovers(replay: replay, paths: paths, journal: journal, most: leftoversLookedAt)
        let again = "--add-again replays all the same"
        switch try await files.run({ try search.look() }) {
        case .nothing: return
        case .unknown:
            throw APIError.conflict(
                "\(batched[0].settings.function) takes batches, and a replay puts them together anew: what it has made "
                    + "of the events of the range, if it is still there, would be added once more. That could not be "
                    + "checked, for there are too many runs to look at. Nothing was replayed",
                hint: "replay a shorter range; where nothing of it is there any more, \(again)")
        case .found(let left):
            throw APIError.conflict(
                "\(left.function) takes batches, and what it has made of \(left.events) "
                    + "\(left.events == 1 ? "event" : "events") before, \(left.object) (run \(left.attempt)), is still "
                    + "there: a replay puts batches together anew, and would add all of it once more. Nothing was replayed",
                hint: "delete what was made of these events (drop the table, if nothing else is in it), or replay to "
                    + "a function that writes elsewhere; \(again)")
        }
    }
}
