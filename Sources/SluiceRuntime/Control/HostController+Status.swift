import Glibc
package import HostAPI
import Journal
import ObjectStore
import UVLoop

extension HostController {
    package func status() async throws -> HostStatus {
        let snapshot = await host.snapshot
        let functions = try await functionStatuses()
        // Read once: the sum is that of the parts.
        let subscriptions = try await subscriptionStatuses()
        return HostStatus(
            state: snapshot.health.state, version: snapshot.health.version, processID: Int(getpid()),
            started: .init(snapshot.started), dataFolder: snapshot.dataFolder, appFolder: snapshot.appFolder,
            boot: snapshot.boot, ruleSet: snapshot.deployment.ruleSet,
            head: try await read { try $0.lastRecords(log: nil, limit: 1).last?.position ?? 0 },
            residentBytes: Self.residentBytes(), journalBytes: snapshot.journalBytes, freeBytes: snapshot.freeBytes,
            deadLetters: subscriptions.reduce(0) { $0 + $1.dead }, subscriptions: subscriptions,
            functions: functions.values.sorted { $0.name < $1.name }, buckets: try await listBuckets(),
            warnings: snapshot.warnings, alarms: await host.alarmInfos)
    }

    func subscriptionStatuses() async throws -> [SubscriptionStatus] {
        let names = await host.subscriptionNames
        let running = await host.inFlight
        let flows = await host.deliveryStates
        return try await read { try $0.progress() }.map { progress in
            let id = progress.subscription.id
            let flow = flows[id]
            // The journal counts what stands behind a parked key as waiting: it is in the log.
            let parked = min(Int64(flow?.parkedWorks ?? 0), progress.waiting)
            return SubscriptionStatus(
                bus: progress.subscription.log, rule: progress.subscription.rule, target: progress.subscription.target,
                function: names[id]?.function ?? progress.subscription.target,
                state: flow?.pauseReason == nil ? progress.subscription.state : "paused",
                matched: progress.matched, succeeded: progress.succeeded, dropped: progress.dropped,
                superseded: progress.superseded, purged: progress.purged, waiting: progress.waiting - parked,
                retrying: progress.retrying, parked: progress.parked + parked, redriven: progress.redriven,
                dead: progress.dead, inFlight: Int64(running[id] ?? 0),
                pauseReason: flow?.pauseReason, parkedKeys: flow?.parkedKeys)
        }
    }

    func functionStatuses() async throws -> [String: FunctionStatus] {
        var statuses = await host.functionStatuses
        for subscription in try await subscriptionStatuses() {
            statuses[subscription.function]?.waiting +=
                subscription.waiting + subscription.retrying + subscription.redriven - subscription.inFlight
        }
        return statuses
    }

    package func doctor() async throws -> DoctorReport {
        var checks: [DoctorReport.Check] = []
        let problems = try await read { try $0.audit() }
        checks.append(
            problems.isEmpty
                ? .init(name: "conservation", state: .ok, message: "every matched event is accounted for")
                : .init(
                    name: "conservation", state: .failed, message: "the journal's counts do not add up",
                    details: problems, hint: "keep the data folder as it is and report this"))
        let snapshot = await host.snapshot
        checks.append(
            snapshot.warnings.isEmpty
                ? .init(name: "host", state: .ok, message: "nothing needs attention")
                : .init(
                    name: "host", state: .warning, message: "something needs attention",
                    details: snapshot.warnings))
        for bucket in try await listBuckets() {
            checks.append(
                .init(
                    name: "bucket \(bucket.name)", state: bucket.notes.isEmpty ? .ok : .warning,
                    message: "\(bucket.objects) objects, watched by \(bucket.watching)", details: bucket.notes))
        }
        checks.append(try await objectsCheck())
        checks.append(try await outcomesCheck(boot: snapshot.boot))
        let dead = try await read { try $0.deadLetterGroups() }
        checks.append(
            dead.isEmpty
                ? .init(name: "dead letters", state: .ok, message: "none")
                : .init(
                    name: "dead letters", state: .warning,
                    message: "\(dead.reduce(0) { $0 + $1.count }) waiting to be looked at",
                    details: dead.map { "\($0.target): \($0.code) (\($0.count))" }, hint: "see `sluice dlq list`"))
        return DoctorReport(checks: checks)
    }

    /// Compares the object index and the catalog with what is on disk.
    private func objectsCheck() async throws -> DoctorReport.Check {
        let buckets = await host.openBuckets
        var details: [String] = []
        var count = 0
        for bucket in buckets {
            var after: String?
            while true {
                let from = after
                let page = try await read { try $0.objects(bucket: bucket.name, prefix: "", after: from, limit: 1000) }
                count += page.count
                let missing = await files.run { page.filter { (try? bucket.stat($0.key)) == nil } }
                // What was deleted this moment has its event on the way; what is still known a moment later is wrong.
                for record in missing {
                    let still = try await read { try $0.object(bucket: record.bucket, key: record.key) }
                    if still == record {
                        details.append("\(record.bucket)/\(record.key) is in the index but not on disk")
                    }
                }
                guard page.count == 1000 else { break }
                after = page.last?.key
            }
        }
        for table in try await read({ try $0.tables(database: nil) }) {
            let files = try await read {
                try $0.tableFiles(database: table.database, table: table.table, after: nil, limit: 10_000)
            }
            for file in files where try await read({ try $0.object(bucket: file.bucket, key: file.key) }) == nil {
                details.append(
                    "table \(table.database).\(table.table) names \(file.bucket)/\(file.key), which is not there")
            }
        }
        return details.isEmpty
            ? .init(name: "objects", state: .ok, message: "\(count) objects of the index are on disk")
            : .init(
                name: "objects", state: .failed, message: "index, catalog and buckets differ",
                details: Array(details.prefix(20)), hint: "restart the host: it scans the buckets when it starts")
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

    static func residentBytes() -> Int64 {
        let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return 0 }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 128)
        let count = Glibc.read(file, &buffer, buffer.count)
        let fields = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
        return (fields.count > 1 ? Int64(fields[1]) ?? 0 : 0) * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }
}
