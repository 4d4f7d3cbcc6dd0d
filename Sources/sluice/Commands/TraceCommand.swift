import ArgumentParser
import CLinux
import Glibc
import HostAPI

/// `sluice trace`.
struct TraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Where something came from and what came of it: events, rules, invocations and objects as one tree.",
        discussion: """
            Of a file in a bucket that is no object (yet) it says why. With --wait it waits until the file was taken up and \
            all that came of it is settled, dead or held back.

              sluice trace --wait landing-zone/shop/orders/monday.csv
            """)

    @Argument(
        help: "The id of an event, an attempt, an invocation or a dead letter, or BUCKET/KEY of an object, or its file."
    )
    var id: String

    @Flag(name: .long, help: "Wait until nothing more is to come of it.") var wait = false
    @Option(name: .long, help: ArgumentHelp("With --wait: no longer than this many seconds.", valueName: "seconds"))
    var timeout = 60.0
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard timeout > 0, timeout <= 86_400 else { throw ValidationError("--timeout must be above 0, a day at most.") }
    }

    func run() async throws {
        let output = common.output
        var (trace, pauses, isSettled): (Trace, [String: String], Bool)
        if wait {
            (trace, pauses, isSettled) = try await settled()
        } else {
            trace = try await self.trace()
            (pauses, isSettled) = (try await self.pauses(trace), true)
        }
        if output.json {
            try output.object(trace)
        } else {
            let width = isatty(1) == 1 ? Output.terminalWidth(1) : nil
            let tree = TraceTree(trace, output.style, width: width, pauses: pauses, data: common.repeated)
            // Line by line as they are: the tree has shown what could be anything.
            for line in tree.lines { output.line(line) }
            await showOlder(trace)
        }
        if !isSettled {
            throw Failure(
                "not settled after \(Human.milliseconds(timeout * 1000))",
                hint: "wait longer with --timeout SECONDS, or see what it waits for: `sluice status`")
        }
    }
}

extension TraceCommand {
    /// What the host knows by the id; also by the path of a file in one of its buckets.
    private func trace() async throws -> Trace {
        do {
            return try await common.host.trace(id: id)
        } catch let error as APIError {
            guard error.code == "NotFound", id.utf8.contains(UInt8(ascii: "/")) || RealPath.exists(id) else {
                throw error
            }
            let isThere = RealPath.exists(id)
            let buckets = try await common.host.listBuckets()
            // A bucket of that name is what was meant, where there is no such file.
            let isNamed = buckets.contains { id.utf8.starts(with: ($0.name + "/").utf8) }
            guard isThere || !isNamed else { throw error }
            // The file may be gone: its folder, or a folder above it, tells where it was.
            let path = RealPath.of(id)
            for bucket in buckets {
                for folder in [bucket.path, RealPath.of(bucket.path)] where path.utf8.starts(with: (folder + "/").utf8)
                {
                    return try await common.host.trace(
                        id: bucket.name + String(decoding: path.utf8.dropFirst(folder.utf8.count), as: UTF8.self))
                }
            }
            // What is no path may be a name that was misspelt.
            guard !isNamed, isThere || id.hasPrefix("/") else { throw error }
            let folders = buckets.prefix(12).map { "\($0.name): \($0.path)" }.joined(separator: "\n")
            throw Failure(
                "\(id) is a file in none of the host's buckets", hint: "put it into one of them:\n\(folders)")
        }
    }
}

extension TraceCommand {
    /// Asks until nothing more is to come, or there is no more time.
    private func settled() async throws -> (trace: Trace, pauses: [String: String], isSettled: Bool) {
        let end = ContinuousClock.now + .seconds(timeout)
        var pause = 20
        while true {
            let isLast = ContinuousClock.now >= end
            do {
                let trace = try await trace()
                let pauses = try await pauses(trace)
                let isWhole = try await !isFileNewer(than: trace)
                if isWhole && !trace.root.isUnderWay(pauses) { return (trace, pauses, true) }
                if isLast { return (trace, pauses, false) }
            } catch let error as APIError where error.code == "NotFound" && id.contains("/") && !isLast {
                // A file that was put there just now is no object yet.
            }
            try await Task.sleep(for: .milliseconds(pause))
            pause = min(250, pause * 2)
        }
    }

    /// Whether an object's file was written after the event that is shown: one of its own is on its way.
    private func isFileNewer(than trace: Trace) async throws -> Bool {
        guard let slash = id.firstIndex(of: "/"), slash != id.startIndex,
            let event = trace.root.found(trace.focus)
        else { return false }
        var status = stat()
        let buckets = try await common.host.listBuckets()
        guard let bucket = buckets.first(where: { $0.name == id[..<slash] }),
            stat(bucket.path + id[slash...], &status) == 0
        else { return false }
        return Int64(status.st_mtim.tv_sec) * 1000 + Int64(status.st_mtim.tv_nsec) / 1_000_000
            > event.ingested.milliseconds
    }

    /// Why targets are paused, by `rule/target`; asked for only where something waits.
    private func pauses(_ trace: Trace) async throws -> [String: String] {
        guard trace.root.isUnderWay([:]) else { return [:] }
        var pauses: [String: String] = [:]
        for item in try await common.host.listRules(bus: nil).flatMap(\.subscriptions) {
            pauses[item.rule + "/" + item.target] = item.pauseReason
        }
        return pauses
    }

    /// Of an object that was put several times the newest event is shown: says how many there are before it. A log that
    /// is long is not waited for.
    private func showOlder(_ trace: Trace) async {
        guard id.contains("/"), !id.hasPrefix("/"), let event = trace.root.found(trace.focus), event.subject == id
        else { return }
        let day: Int64 = 86_400_000
        let query = EventQuery(
            bus: event.bus, object: id, since: APITime(milliseconds: event.ingested.milliseconds - 30 * day))
        let host = common.host
        let found = await withTaskGroup(of: Int?.self) { group in
            group.addTask { try? await host.listEvents(query, page: PageRequest(limit: 100)).items.count }
            group.addTask {
                try? await Task.sleep(for: .seconds(1))
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        guard let found, found > 1 else { return }
        let count = found == 100 ? "99 or more older events" : Human.count(found - 1, "older event")
        common.output.line(
            "\(count) of this object: sluice events list --object \(Text.shellWord(id))\(common.repeated)")
    }
}

extension TraceEvent {
    /// The event in this tree that has the id.
    fileprivate func found(_ id: String) -> TraceEvent? {
        if self.id == id { return self }
        return below.lazy.compactMap { $0.found(id) }.first
    }

    /// Whether something is still to come by itself: what is paused or parked waits for somebody.
    fileprivate func isUnderWay(_ pauses: [String: String]) -> Bool {
        deliveries.contains { traced in
            let delivery = traced.delivery
            switch delivery.state {
            case "in flight", "redriving": return true
            case "waiting", "retrying": return pauses[delivery.rule + "/" + delivery.target] == nil
            default: return false
            }
        } || below.contains { $0.isUnderWay(pauses) }
    }

    private var below: [TraceEvent] {
        deliveries.flatMap(\.invocations).flatMap(\.effects).flatMap(\.events) + (manifests ?? []).flatMap(\.events)
    }
}
