import Glibc
package import HostAPI
import Journal
import ObjectStore
import UVLoop

extension HostController {
    package func doctor() async throws -> DoctorReport {
        var checks: [DoctorReport.Check] = []
        checks += DoctorReport.Check.journal(try await read { try $0.recount() })
        let snapshot = await host.snapshot
        let attention = await warnings(of: snapshot) + (try await troubles())
        checks.append(
            attention.isEmpty
                ? .init(name: "host", state: .ok, message: "nothing needs attention")
                : .init(
                    name: "host", state: .warning, message: "something needs attention", details: attention))
        for bucket in try await listBuckets() {
            checks.append(
                .init(
                    name: "bucket \(bucket.name)", state: bucket.notes.isEmpty ? .ok : .warning,
                    message:
                        "\(bucket.objects) \(bucket.objects == 1 ? "object" : "objects"), \(bucket.watching == "off" || bucket.watching == "lost" ? "not watched: " : "watched by ")\(bucket.watching)",
                    details: bucket.notes))
        }
        checks.append(try await objectsCheck(cannotWrite: snapshot.cannotWrite))
        checks.append(try await outcomesCheck(boot: snapshot.boot))
        let dead = try await deadLetterGroups()
        checks.append(
            dead.isEmpty
                ? .init(name: "dead letters", state: .ok, message: "none")
                : .init(
                    name: "dead letters", state: .warning,
                    message: "\(dead.reduce(0) { $0 + $1.count }) waiting to be looked at",
                    details: Self.sums(dead), hint: "see `sluice dlq list`"))
        return DoctorReport(checks: checks)
    }

    /// Alarms that ring, and targets that get nothing.
    private func troubles() async throws -> [String] {
        let alarms = await host.alarmInfos.filter { $0.state == "ALARM" || $0.trouble != nil }
        let paused = try await subscriptionStatuses().filter { $0.pauseReason != nil }
        return alarms.map { "alarm \($0.name): \($0.trouble ?? $0.reason)" }
            + paused.map { "rule \($0.rule), target \($0.target) is paused: \($0.pauseReason ?? "")" }
    }

    /// A function's dead letters of one code are one line, in however many groups they are.
    private static func sums(_ groups: [DeadLetterGroupInfo]) -> [String] {
        var counts: [String: Int64] = [:]
        for group in groups {
            counts["\(TargetName.shown(group.function, ranBy: group.ranBy)): \(group.code)", default: 0] += group.count
        }
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) (\($0.value))" }
    }

    /// `cannotWrite`: the journal takes nothing new, so it cannot be told of what has changed.
    private func objectsCheck(cannotWrite: Bool) async throws -> DoctorReport.Check {
        var found = ObjectFindings(cannotWrite: cannotWrite)
        try await compareIndex(into: &found)
        try await compareCatalog(into: &found)
        return found.check
    }

    private func compareIndex(into found: inout ObjectFindings) async throws {
        for bucket in await host.openBuckets {
            var after: String?
            while true {
                let from = after
                let page = try await read { try $0.objects(bucket: bucket.name, prefix: "", after: from, limit: 1000) }
                found.count += page.count
                let missing = await files.run { page.filter { (try? bucket.stat($0.key)) == nil } }
                // What was deleted this moment has its event on the way; what is still known a moment later is wrong.
                for record in missing {
                    let still = try await read { try $0.object(bucket: record.bucket, key: record.key) }
                    if still == record {
                        found.gone.add("\(record.bucket)/\(record.key) is in the index but not on disk")
                    }
                }
                guard page.count == 1000 else { break }
                after = page.last?.key
            }
            for key in try await unknownKeys(in: bucket) { found.unseen.add("\(bucket.name)/\(key)") }
        }
    }

    private func compareCatalog(into found: inout ObjectFindings) async throws {
        for table in try await read({ try $0.tables(database: nil) }) {
            var after: String?
            while true {
                let from = after
                let files = try await read {
                    try $0.tableFiles(database: table.database, table: table.table, after: from, limit: 1000)
                }
                for file in files {
                    let object = try await read { try $0.object(bucket: file.bucket, key: file.key) }
                    let name = "\(table.database).\(table.table)"
                    if let object {
                        // Registered before it was known: its size was not.
                        guard file.bytes > 0, object.size != file.bytes else { continue }
                        found.changed.add(
                            "\(file.bucket)/\(file.key) has \(object.size) bytes; table \(name) knows it with \(file.bytes)"
                        )
                    } else {
                        found.lost.add("table \(name) names \(file.bucket)/\(file.key), which is not there")
                    }
                }
                guard files.count == 1000 else { break }
                after = files.last?.key
            }
        }
    }

    /// Keys on disk that the index lacks or has in another version, both now and a moment later: what has just arrived
    /// has its event on the way.
    private func unknownKeys(in bucket: Bucket) async throws -> [String] {
        let journal = journal
        func unknown(_ objects: [Seen]) async throws -> [Seen] {
            try await files.run {
                try objects.filter { object in
                    guard let known = try journal.object(bucket: bucket.name, key: object.key) else { return true }
                    return !object.stamp.isSameVersion(as: known.stamp)
                }
            }
        }
        var candidates: [Seen] = []
        var after: String?
        repeat {
            let from = after
            let page = try await files.run { try bucket.list(after: from, limit: 1000) }
            candidates += try await unknown(page.objects.map { Seen(key: $0.key, stamp: $0.stamp) })
            after = page.next
        } while after != nil && candidates.count < 10_000
        guard !candidates.isEmpty else { return [] }
        try await Task.sleep(for: .seconds(1))
        let again = candidates
        let there = await files.run {
            again.compactMap { object in
                (try? bucket.stat(object.key)).map { Seen(key: object.key, stamp: $0) }
            }
        }
        return try await unknown(there).map(\.key)
    }

    /// An object as it is on disk.
    private struct Seen: Sendable {
        var key: String
        var stamp: ObjectStamp
    }

    /// What `objectsCheck` has found.
    private struct ObjectFindings {
        var cannotWrite: Bool
        /// The index names what is not on disk.
        var gone = Findings()
        /// The catalog names what the index has not.
        var lost = Findings()
        /// Files of tables that are others than those that were registered.
        var changed = Findings()
        /// Files without an event.
        var unseen = Findings()
        /// Objects of the index.
        var count = 0

        var check: DoctorReport.Check {
            let wrong = lost.count + (cannotWrite ? 0 : gone.count)
            guard wrong == 0 else {
                return .init(
                    name: "objects", state: .failed,
                    message: "index, catalog and buckets differ in \(wrong) \(wrong == 1 ? "place" : "places")",
                    details: lost.details + (cannotWrite ? [] : gone.details),
                    hint: "restart the host: it scans the buckets when it starts")
            }
            guard changed.count == 0 else {
                return .init(
                    name: "objects", state: .warning,
                    message:
                        "\(changed.count) \(changed.count == 1 ? "file of a table was" : "files of tables were") changed after it "
                        + "was registered: its rows may be others, or it may be damaged", details: changed.details,
                    hint: "load its source again (`sluice buckets trigger`), which replaces it")
            }
            if cannotWrite, gone.count + unseen.count > 0 {
                let count = gone.count + unseen.count
                return .init(
                    name: "objects", state: .warning,
                    message:
                        "\(count) \(count == 1 ? "change" : "changes") in the buckets cannot be noted, for the journal "
                        + "takes nothing new", details: gone.details + unseen.details,
                    hint:
                        "`sluice status` says why: where the data folder's disk is full, make room; then they are noted, and "
                        + "have their events")
            }
            guard unseen.count == 0 else {
                return .init(
                    name: "objects", state: .warning,
                    message:
                        "\(unseen.count) \(unseen.count == 1 ? "file has" : "files have") no event, or not in the version that "
                        + "is on disk", details: unseen.details,
                    hint:
                        "a file that is still being written has its event when it is closed; for others restart the host: it "
                        + "scans the buckets when it starts")
            }
            return .init(
                name: "objects", state: .ok,
                message: "index and catalog are what is on disk: \(count) \(count == 1 ? "object" : "objects")")
        }
    }

    /// What was found, the first of it in words.
    private struct Findings {
        private(set) var count = 0
        private var first: [String] = []

        mutating func add(_ text: String) {
            count += 1
            if first.count < 20 { first.append(text) }
        }

        var details: [String] { count > first.count ? first + ["… and \(count - first.count) more"] : first }
    }

    /// Recovery finishes what earlier lives had decided before anything else happens; what is left, it could not.
    private func outcomesCheck(boot: Int64) async throws -> DoctorReport.Check {
        let left = try await read { try $0.recover().decisions.map(\.attempt).filter { $0.boot < boot } }
        return left.isEmpty
            ? .init(name: "outcomes", state: .ok, message: "every decided outcome was finished")
            : .init(
                name: "outcomes", state: .failed,
                message: "decided outcomes cannot be read, or contradict the journal; nothing of them was lost",
                details: left.prefix(20).map { "attempt \($0): its files are in the buckets' .sluice/\($0.staging)" },
                hint: "the host's log names the reason; keep the data folder as it is and report this")
    }
}
