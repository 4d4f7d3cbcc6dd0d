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

    /// Something that a first run of these has made of several events together, or of a batch of one, and that is still
    /// there. Looks at the newest runs since the beginning of the range, some thousands of them. Blocking.
    static func leftOver(
        _ paths: [ReplayRecord.Path], since from: Milliseconds, _ journal: any JournalStore
    ) throws(JournalError) -> (function: String, attempt: AttemptID, object: String, events: Int)? {
        for path in paths {
            guard let original = path.original else { continue }
            // A version goes by its function's name.
            let function = String(path.settings.function.prefix { $0 != "@" })
            var before: AttemptID?
            for _ in 0..<lookedAt / page {
                let rows = try journal.invocations(function: function, before: before, limit: page)
                for row in rows where row.subscription == original && row.started >= from {
                    let effects = JSONText.decode(InvocationDetails.self, from: row.details)?.effects ?? []
                    for effect in effects where effect.kind == "put" && effect.record == nil {
                        guard let slash = effect.subject.utf8.firstIndex(of: UInt8(ascii: "/")) else { continue }
                        let bucket = String(effect.subject[..<slash])
                        let key = String(effect.subject[effect.subject.utf8.index(after: slash)...])
                        guard let object = try journal.object(bucket: bucket, key: key), object.eventID == effect.event
                        else { continue }
                        return (function, row.attempt, effect.subject, row.eventIDs.count)
                    }
                }
                guard rows.count == page, let last = rows.last, last.started >= from else { break }
                before = last.attempt
            }
        }
        return nil
    }

    private static let (page, lookedAt) = (500, 5000)
}

extension ReplayJobs {
    /// Rows that are there twice are found weeks later: what would add them says so before it begins.
    func refuseDoubling(_ request: ReplayRequest, _ batched: [ReplayRecord.Path]) async throws {
        guard !request.dryRun, request.addsAgain != true, !batched.isEmpty else { return }
        let (journal, from) = (journal, request.from.milliseconds)
        guard
            let left = try await files.run({ () throws(JournalError) in
                try ReplayPlan.leftOver(batched, since: from, journal)
            })
        else { return }
        throw APIError.conflict(
            "\(left.function) takes batches, and what it has made of \(left.events) "
                + "\(left.events == 1 ? "event" : "events") the first time, \(left.object) (run \(left.attempt)), is still "
                + "there: a replay puts batches together anew, and would add all of it once more. Nothing was replayed",
            hint: "delete what the first run has made (drop the table), or replay to a function that writes elsewhere; "
                + "--add-again replays all the same")
    }
}
