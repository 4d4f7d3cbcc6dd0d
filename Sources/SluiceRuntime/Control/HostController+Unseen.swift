import AppConfig
import FunctionJSON
import HostAPI
import Journal
import ObjectStore

extension HostController {
    /// Why the index does not have an object that somebody asks for.
    func unseen(_ bucket: String, _ key: String) async -> APIError {
        let name = "\(bucket)/\(key)"
        guard let found = await host.bucket(named: bucket) else {
            let names = await host.deployment.app.buckets.map(\.name)
            return .notFound("bucket", bucket, hint: NearestName.hint(for: bucket, among: names, known: "the buckets"))
        }
        func error(_ message: String, _ hint: String) -> APIError {
            APIError(status: 404, code: "NotFound", message: message, hint: hint)
        }
        switch await files.run({ found.absence(of: key) }) {
        case .noKey(let flaw):
            return error("\(name) is no object: the key \(flaw)", "name it BUCKET/KEY")
        case .nothing:
            let last = await lastEvents(about: name)
            return error(
                "there is no object `\(name)`, and no file \(found.path)/\(key)"
                    + (last.events.isEmpty
                        ? "" : "; what the log has of it:" + last.events.map { "\n\($0.words)" }.joined()),
                last.events.first.map { "`sluice trace \($0.id)` shows what came of the newest" }
                    ?? "\(last.nothing); `sluice events list --object '\(bucket)/*'` shows the others")
        case .folder: return error("\(name) is a folder", "name a file in it")
        case .ignored:
            return error(
                "\(name) is a file whose name the bucket ignores: it is no object",
                "rename it when it is complete; `ignore` in sluice.yaml has the bucket's own patterns, the usual ones are "
                    + IgnoreRules.defaults.joined(separator: " "))
        case .refused(let reason):
            return error("\(name) is no object: it is \(reason)", "put a copy of it in its place")
        case .beingWritten:
            return error(
                "\(name) is still being written: it becomes an object when its writer closes it",
                "try again when it is complete; `fuser -v \(found.path)/\(key)` shows who writes")
        case .changedLately(let quiet):
            return error(
                "\(name) is there, was changed just now, and is not taken up yet",
                "try again in a moment; on a disk that reports no changes (a network disk) a file becomes an object when "
                    + "it has been left alone for `quiet`, here \(quiet), so one that is written to all "
                    + "the time never does")
        case .pending:
            return error(
                "\(name) is there and not taken up yet",
                "try again in a moment; if it stays so, `sluice buckets list` and `sluice status` say what is wrong with "
                    + "the bucket")
        }
    }
}

extension HostController {
    /// What was found of an object, and where.
    private struct LastEvents {
        var events: [(id: String, words: String)] = []
        /// The records behind this one were looked through.
        var begin: Position = 0
        /// Nothing is left before it.
        var isWhole = false
        var trouble: String?

        /// What to say where no event was found.
        var nothing: String {
            if let trouble { return "whether the log has an event of it cannot be said: \(trouble)" }
            return isWhole
                ? "no event of it is in the log either"
                : "no event of it is in the newest part of the log, from position \(begin + 1) on; what is older was not "
                    + "looked through"
        }
    }

    /// The newest events about an object, for one that is gone. Of a long log only the newest part is looked through.
    private func lastEvents(about name: String) async -> LastEvents {
        let query = EventQuery(bus: "default", object: name)
        var found = LastEvents()
        do {
            let (head, oldest) = try await read {
                (try $0.lastRecords(log: nil, limit: 1).last?.position ?? 0, try $0.position(ingestedFrom: .min))
            }
            found.begin = head
            var (step, bytes): (Int64, Int) = (Self.longestStep, Self.searchedBytes)
            while found.begin >= oldest, found.begin > head - Self.searched, bytes > 0, found.events.count < 4 {
                let end = found.begin
                let begin = max(0, end - step)
                guard let events = try await events(query, behind: begin, upTo: end, bytes: &bytes) else {
                    // Large records: the newest of them are looked through first, while there is something left.
                    step = max(1, step / 8)
                    continue
                }
                found.events += events.reversed().prefix(4 - found.events.count)
                found.begin = begin
                step = min(Self.longestStep, step * 2)
            }
            found.isWhole = found.begin < oldest
        } catch {
            found.trouble = "\(error)"
        }
        return found
    }

    /// Oldest first. However large one record is, it is looked at; nil where there are several, and together they are
    /// too many bytes to be read at once.
    /// - Parameter bytes: what may still be read, in all.
    private func events(
        _ query: EventQuery, behind begin: Position, upTo end: Position, bytes: inout Int
    ) async throws -> [(id: String, words: String)]? {
        var found: [(id: String, words: String)] = []
        var after = begin
        var room = Self.bytesAtOnce
        while after < end {
            guard room > 0 || end - begin == 1 else { return nil }
            let (from, count) = (after, Int(end - after))
            let records = try await read { try $0.records(log: nil, after: from, limit: count, bytes: 16 << 20) }
            for record in records where record.position <= end && query.admits(record, [:]) {
                let type = (try? JSONDocument(parsing: record.payload).root)?["detail-type"]?.string ?? "?"
                let words = "\(APITime(milliseconds: record.ingested))  \(type)  event \(record.eventID)"
                found.append((record.eventID, words))
            }
            guard let last = records.last else { break }
            after = last.position
            let size = records.reduce(0) { $0 + $1.payload.count }
            room -= size
            bytes -= size
        }
        return found
    }

    /// Records that are looked through for one that is gone, and bytes of them, about.
    private static let searched: Int64 = 200_000
    private static let searchedBytes = 256 << 20
    private static let longestStep: Int64 = 2000
    private static let bytesAtOnce = 32 << 20
}

extension HostRuntime {
    fileprivate func bucket(named name: String) -> Bucket? { buckets[name] }
}
