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
        let subscriptions = try await deliverySamples(ages: true).map(\.status)
        return HostStatus(
            state: snapshot.health.state, version: snapshot.health.version, processID: Int(getpid()),
            started: .init(snapshot.started), dataFolder: snapshot.dataFolder, appFolder: snapshot.appFolder,
            boot: snapshot.boot, ruleSet: snapshot.deployment.ruleSet,
            head: try await read { try $0.lastRecords(log: nil, limit: 1).last?.position ?? 0 },
            residentBytes: Self.residentBytes(), journalBytes: snapshot.journalBytes, freeBytes: snapshot.freeBytes,
            deadLetters: subscriptions.reduce(0) { $0 + $1.dead }, subscriptions: subscriptions,
            functions: functions.values.sorted { $0.name < $1.name }, buckets: try await listBuckets(),
            warnings: await warnings(of: snapshot), alarms: await host.alarmInfos,
            triggers: await host.triggers.list().filter { !$0.isOver }, isHeld: await host.isHeld ? true : nil)
    }

    func subscriptionStatuses() async throws -> [SubscriptionStatus] {
        try await deliverySamples(ages: false).map(\.status)
    }

    /// Each subscription as one reading of the journal has it. `ages`: with the age of its oldest open delivery, which
    /// costs a look into the log.
    func deliverySamples(ages: Bool) async throws -> [DeliverySample] {
        let names = await host.subscriptionNames
        let running = await host.inFlight
        let flows = await host.deliveryStates
        let tallies = await host.deliveryTallies
        let now = HostClock().wall
        let found = try await read { journal in
            try journal.progress().map { progress in
                (progress, ages ? try OldestDelivery.ingested(progress, journal) : nil)
            }
        }
        return found.map { progress, oldest in
            let id = progress.subscription.id
            let tally = tallies[id] ?? AttemptTally()
            let flow = flows[id]
            // The journal counts what stands behind a parked key as waiting: it is in the log.
            let parked = min(Int64(flow?.parkedWorks ?? 0), progress.waiting)
            let status = SubscriptionStatus(
                bus: progress.subscription.log, rule: progress.subscription.rule, target: progress.subscription.target,
                function: names[id]?.function ?? progress.subscription.target,
                state: flow?.pauseReason == nil ? progress.subscription.state : "paused",
                matched: progress.matched, succeeded: progress.succeeded, dropped: progress.dropped,
                superseded: progress.superseded, purged: progress.purged, waiting: progress.waiting - parked,
                retrying: progress.retrying, parked: progress.parked + parked, redriven: progress.redriven,
                dead: progress.dead, inFlight: Int64(running[id] ?? 0),
                pauseReason: flow?.pauseReason, parkedKeys: flow?.parkedKeys,
                oldestAgeSeconds: oldest.map { Double(max(0, now - $0)) / 1000 }, retries: tally.retries,
                coldStarts: tally.coldStarts)
            return DeliverySample(status: status, tally: tally)
        }
    }

    func functionStatuses() async throws -> [String: FunctionStatus] {
        var statuses = await host.functionStatuses
        let names = await host.subscriptionNames
        for subscription in try await subscriptionStatuses() {
            statuses[subscription.function]?.waiting +=
                subscription.waiting + subscription.retrying + subscription.redriven - subscription.inFlight
        }
        // What a redrive has sent to another function waits for that one.
        for (id, sent) in await host.sentElsewhere {
            for (function, count) in sent {
                if let own = names[id]?.function { statuses[own]?.waiting -= count }
                statuses[function]?.waiting += count
            }
        }
        return statuses
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
