import ArgumentParser
import Glibc
import HostAPI

/// `sluice status`.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "The host at a glance: functions, subscriptions, streams, buckets, and what needs attention.")

    @OptionGroup var common: CommonOptions

    @Flag(
        help: ArgumentHelp(
            "Show it again every second until interrupted: as much as fits, what needs attention first; with --json an "
                + "object a line each time."))
    var watch = false

    func run() async throws {
        guard watch else {
            let status = try await status()
            return try show(status, try await endedReplays(status), common.output)
        }
        let isPicture = isatty(1) == 1 && !common.output.json
        while true {
            let status = try await status()
            if isPicture {
                let frame = Frame()
                try show(status, try await endedReplays(status), Output(to: frame), urgentFirst: true)
                let lines = frame.fitted(rows: Output.terminalHeight(1), columns: Output.terminalWidth(1))
                // Home, then what is left of the last picture: no flicker.
                print("\u{1B}[H\u{1B}[J" + lines.joined(separator: "\n"))
            } else {
                try show(status, try await endedReplays(status), common.output)
            }
            common.output.flush()
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func status() async throws -> HostStatus {
        var status = try await common.host.status()
        status.streams = try await common.host.listStreams()
        return status
    }

    private func warn(_ status: HostStatus, _ output: Output) {
        guard !status.warnings.isEmpty else { return }
        output.heading("Warnings")
        for warning in status.warnings { output.line(output.style.yellow("! ") + warning) }
    }

    private func show(
        _ status: HostStatus, _ ended: [String: ReplayInfo], _ output: Output, urgentFirst: Bool = false
    ) throws {
        if output.json { return try output.object(status) }
        let style = output.style
        let age = Human.seconds((Human.now() - status.started.milliseconds) / 1000)
        output.line(
            "\(style.bold("sluice \(status.version)"))  "
                + "\(style.state(status.isHeld == true ? "HELD" : status.state.rawValue))  up \(age)  "
                + "process \(status.processID)  boot \(status.boot)")
        if status.isHeld == true {
            output.line(
                style.red("HELD: nothing is delivered") + ", no schedule or alarm goes off, nothing expires, until "
                    + "`sluice resume\(common.repeated)`")
        }
        output.fields([
            ("data", status.dataFolder),
            ("disk", "journal \(Human.bytes(status.journalBytes)), free \(Human.bytes(status.freeBytes))"),
            ("app", status.appFolder.map { "\($0)  (rule set \(status.ruleSet))" }),
            ("memory", Human.bytes(status.residentBytes)),
            ("events", Human.grouped(status.head)),
            (
                "dead",
                status.deadLetters == 0
                    ? "none"
                    : style.red(Human.grouped(status.deadLetters)) + "  see `sluice dlq list\(common.repeated)`"
            ),
        ])
        if urgentFirst { warn(status, output) }
        if !urgentFirst { showFunctions(status, output) }
        let items = status.subscriptions.filter { !ended.keys.contains($0.bus) }
        if !items.isEmpty {
            output.heading("Subscriptions")
            SubscriptionTable.write(
                urgentFirst ? items.filter(\.isUnusual) + items.filter { !$0.isUnusual } : items, to: output)
        }
        for item in items {
            guard let reason = item.pauseReason else { continue }
            output.line("\(style.yellow("paused:")) \(item.rule)/\(item.target): \(reason)")
        }
        show(ended, output)
        if urgentFirst { showFunctions(status, output) }
        if let alarms = status.alarms, !alarms.isEmpty {
            output.heading("Alarms")
            output.table(AlarmTable.columns, alarms.map { AlarmTable.row($0, style) })
        }
        if let streams = status.streams, !streams.isEmpty {
            output.heading("Streams")
            output.table(StreamTable.columns, streams.map(StreamTable.row))
        }
        if !status.buckets.isEmpty {
            output.heading("Buckets")
            output.table(BucketTable.columns, status.buckets.map { BucketTable.row($0, style) })
        }
        for job in status.triggers ?? [] {
            output.line(
                "\(style.dim("trigger:")) \(job.bucket)/\(job.prefix)  \(style.state(job.state.rawValue))  "
                    + "\(TriggerTable.progress(job)): see `sluice buckets jobs \(job.id)\(common.repeated)`")
        }
        if !urgentFirst { warn(status, output) }
    }

    /// Replays that are over and have dead letters, by their logs. Their subscriptions stay for these to be redriven.
    private func endedReplays(_ status: HostStatus) async throws -> [String: ReplayInfo] {
        guard status.subscriptions.contains(where: { $0.bus.hasPrefix(Self.replayLog) }) else { return [:] }
        let over = try await common.host.listReplays().filter(\.isOver)
        return Dictionary(over.map { (Self.replayLog + $0.request.name, $0) }, uniquingKeysWith: { $1 })
            .filter { log, _ in status.subscriptions.contains { $0.bus == log } }
    }

    private static let replayLog = "replay/"
    /// Milliseconds for which a replay that is over has a line of its own.
    private static let recent: Int64 = 3_600_000

    private func show(_ ended: [String: ReplayInfo], _ output: Output) {
        let (style, now) = (output.style, Human.now())
        let replays = ended.values.sorted { ($0.ended ?? $0.started) > ($1.ended ?? $1.started) }
        let isRecent = { (replay: ReplayInfo) in now - (replay.ended ?? replay.started).milliseconds < Self.recent }
        for replay in replays where isRecent(replay) {
            output.line(
                "\(style.dim("replay:")) \(replay.request.name)  \(style.state(replay.state.rawValue))"
                    + (replay.ended.map { "  \(Human.ago($0))" } ?? "")
                    + "  \(Human.grouped(replay.dead)) of \(Human.count(replay.deliveries, "delivery", "deliveries")) dead"
                    + ((replay.parked ?? 0) > 0
                        ? ", \(Human.grouped(replay.parked ?? 0)) parked: see `sluice replay show "
                            + "\(replay.request.name)\(common.repeated)`" : "")
            )
        }
        let older = replays.filter { !isRecent($0) }
        guard !older.isEmpty else { return }
        let parked = older.reduce(0) { $0 + ($1.parked ?? 0) }
        output.line(
            "\(style.dim("replay:")) \(Human.count(older.count, "earlier one", "earlier ones")) with "
                + "\(Human.count(older.reduce(0) { $0 + $1.dead }, "dead letter"))"
                + (parked > 0 ? " and \(Human.count(parked, "delivery", "deliveries")) parked behind them" : "")
                + ": see `sluice replay list\(common.repeated)`")
    }

    private func showFunctions(_ status: HostStatus, _ output: Output) {
        guard !status.functions.isEmpty else { return }
        output.heading("Functions")
        FunctionTable.write(status.functions, to: output)
    }
}

/// Functions in lines.
enum FunctionTable {
    /// BUSY, IDLE and MOST are workers; SUCCEEDED, PARTIAL and FAILED attempts since the host started. PARTIAL are
    /// batches of which some records failed, and not all; where there is none the column is left out.
    static func write(_ functions: [FunctionStatus], to output: Output) {
        let hasPartial = functions.contains { ($0.partial ?? 0) > 0 }
        let columns: [Table.Column] =
            [
                "NAME", .number("VERSION"), .whole("STATE"), .number("BUSY"), .number("IDLE"), .number("MOST"),
                .number("WAITING"), .number("SUCCEEDED"),
            ] + (hasPartial ? [.number("PARTIAL")] : []) + [.number("FAILED"), .spare("P50"), .number("P99")]
        output.table(columns, functions.map { row($0, hasPartial: hasPartial, output.style) })
    }

    private static func row(_ function: FunctionStatus, hasPartial: Bool, _ style: Style) -> [String] {
        let partial = function.partial ?? 0
        return [
            TargetName.shown(function.name), TargetName.isFunction(function.name) ? "\(function.version)" : "-",
            style.state(function.state),
            "\(function.busyWorkers)", "\(function.idleWorkers)", "\(function.concurrency)",
            Human.grouped(function.waiting), Human.grouped(function.succeeded),
        ] + (hasPartial ? [partial == 0 ? "0" : style.yellow(Human.grouped(partial))] : []) + [
            function.failed == 0 ? "0" : style.red(Human.grouped(function.failed)),
            function.medianMilliseconds.map(Human.milliseconds) ?? "-",
            function.p99Milliseconds.map(Human.milliseconds) ?? "-",
        ]
    }
}

/// Subscriptions in lines. The numbers behind MATCHED up to DEAD add up to it: each delivery is in one of them. OLDEST
/// is the age of the oldest of those that are open; RETRIES and COLD count since the host started.
enum SubscriptionTable {
    private typealias Count = (title: String, value: @Sendable (SubscriptionStatus) -> Int64, isRare: Bool)

    private static let counts: [Count] = [
        ("SUCCEEDED", \.succeeded, false), ("DROPPED", \.dropped, true), ("SUPERSEDED", \.superseded, true),
        ("PURGED", \.purged, true), ("WAITING", \.idle, false), ("RUNNING", \.running, false),
        ("RETRYING", \.idleRetrying, false), ("PARKED", \.parked, true), ("REDRIVEN", \.idleRedriven, true),
        ("DEAD", \.dead, false),
    ]

    /// What is no part of the sum; nil where there is nothing to tell.
    private static let later: [(title: String, value: @Sendable (SubscriptionStatus) -> String?)] = [
        ("OLDEST", { $0.oldestAgeSeconds.map { Human.seconds(Int64($0)) } }),
        ("RETRIES", { $0.retries > 0 ? Human.grouped($0.retries) : nil }),
        ("COLD", { $0.coldStarts > 0 ? Human.grouped($0.coldStarts) : nil }),
    ]

    /// The table; rare columns only where one has something to tell.
    static func write(_ items: [SubscriptionStatus], to output: Output, indent: Int = 0) {
        let shown = counts.filter { count in !count.isRare || items.contains { count.value($0) > 0 } }
        let later = Self.later.filter { column in items.contains { column.value($0) != nil } }
        let style = output.style
        let columns: [Table.Column] =
            [.path("RULE"), "FUNCTION", .whole("STATE"), .number("MATCHED")]
            + shown.map { Table.Column.number($0.title) }
            + later.map { $0.title == "OLDEST" ? .number($0.title) : .spare($0.title) }
        let rows = items.map { item in
            // The usual target has its function's name, and the usual bus is `default`: neither is worth the room.
            let rule = (item.bus == "default" ? "" : item.bus + "/") + item.rule
            return [
                item.target == item.function ? rule : "\(rule)/\(item.target)", TargetName.kind(item.function),
                style.state(item.state), Human.grouped(item.matched),
            ]
                + shown.map { count in
                    let text = Human.grouped(count.value(item))
                    return count.title == "DEAD" && item.dead > 0 ? style.red(text) : text
                } + later.map { $0.value(item) ?? "-" }
        }
        output.table(columns, rows, indent: indent)
    }
}

extension SubscriptionStatus {
    /// What runs is counted as running, and not as waiting, retrying or redriven besides: those that are due first run
    /// first.
    fileprivate var running: Int64 { min(inFlight, waiting + retrying + redriven) }
    /// Somebody should look at it.
    fileprivate var isUnusual: Bool { pauseReason != nil || dead > 0 || retrying > 0 || parked > 0 }
    fileprivate var idle: Int64 { max(0, waiting - inFlight) }
    fileprivate var idleRetrying: Int64 { max(0, retrying - max(0, inFlight - waiting)) }
    fileprivate var idleRedriven: Int64 { max(0, redriven - max(0, inFlight - waiting - retrying)) }
}

/// Buckets in lines.
enum BucketTable {
    static let columns: [Table.Column] = ["NAME", .number("OBJECTS"), .number("SIZE"), "WATCHING", .path("PATH")]

    static func row(_ bucket: BucketInfo, _ style: Style) -> [String] {
        [
            bucket.name, Human.grouped(bucket.objects), Human.bytes(bucket.bytes), style.state(bucket.watching),
            bucket.path,
        ]
    }
}
