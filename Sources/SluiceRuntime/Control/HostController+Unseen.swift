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
                    + (last.isEmpty ? "" : "; what the log has of it:" + last.map { "\n\($0.words)" }.joined()),
                last.first.map { "`sluice trace \($0.id)` shows what came of the newest" }
                    ?? "no event of it is in the log either; `sluice events list --object '\(bucket)/*'` shows the others"
            )
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
    /// The newest events about an object, for one that is gone. Of a long log only the newest part is looked through.
    private func lastEvents(about name: String) async -> [(id: String, words: String)] {
        let query = EventQuery(bus: "default", object: name)
        guard let head = try? await read({ try $0.lastRecords(log: nil, limit: 1).last?.position ?? 0 }) else {
            return []
        }
        var found: [(id: String, words: String)] = []
        var end = head
        while end > max(0, head - Self.searched), found.count < 4 {
            let (start, size) = (max(0, end - 2000), 2000)
            guard
                let records = try? await read({
                    try $0.records(log: nil, after: start, limit: size, bytes: 16 << 20)
                })
            else { break }
            for record in records.reversed() where record.position <= end && query.admits(record, [:]) {
                let type = (try? JSONDocument(parsing: record.payload).root)?["detail-type"]?.string ?? "?"
                let words = "\(APITime(milliseconds: record.ingested))  \(type)  event \(record.eventID)"
                if found.count < 4 { found.append((record.eventID, words)) }
            }
            end = start
        }
        return found
    }

    /// Records that are looked through for one that is gone.
    private static let searched: Int64 = 200_000
}

extension HostRuntime {
    fileprivate func bucket(named name: String) -> Bucket? { buckets[name] }
}
