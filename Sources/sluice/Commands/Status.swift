import ArgumentParser
import Glibc
import HostAPI

/// `sluice status`.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The host at a glance: functions, subscriptions, buckets, and what needs attention.")

    @OptionGroup var common: CommonOptions

    @Flag(help: "Show it again every second until interrupted; with --json an object a line each time.")
    var watch = false

    func run() async throws {
        guard watch else { return try show(try await common.host.status()) }
        let clears = isatty(1) == 1 && !common.output.json
        while true {
            let status = try await common.host.status()
            // Home, then what is left of the last picture: no flicker.
            if clears { print("\u{1B}[H\u{1B}[J", terminator: "") }
            try show(status)
            common.output.flush()
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func show(_ status: HostStatus) throws {
        let output = common.output
        if output.json { return try output.object(status) }
        let style = output.style
        let age = Human.seconds((Human.now() - status.started.milliseconds) / 1000)
        output.line(
            "\(style.bold("sluice \(status.version)"))  \(style.state(status.state.rawValue))  up \(age)  "
                + "process \(status.processID)  boot \(status.boot)")
        output.fields([
            (
                "data",
                "\(status.dataFolder)  (journal \(Human.bytes(status.journalBytes)), free \(Human.bytes(status.freeBytes)))"
            ),
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
        if !status.functions.isEmpty {
            output.heading("Functions")
            output.table(FunctionTable.columns, status.functions.map { FunctionTable.row($0, style) })
        }
        if !status.subscriptions.isEmpty {
            output.heading("Subscriptions")
            output.table(SubscriptionTable.columns, status.subscriptions.map { SubscriptionTable.row($0, style) })
        }
        for item in status.subscriptions {
            guard let reason = item.pauseReason else { continue }
            output.line("\(style.yellow("paused:")) \(item.rule)/\(item.target): \(reason)")
        }
        if let alarms = status.alarms, !alarms.isEmpty {
            output.heading("Alarms")
            output.table(AlarmTable.columns, alarms.map { AlarmTable.row($0, style) })
        }
        if !status.buckets.isEmpty {
            output.heading("Buckets")
            output.table(BucketTable.columns, status.buckets.map { BucketTable.row($0, style) })
        }
        if !status.warnings.isEmpty {
            output.heading("Warnings")
            for warning in status.warnings { output.line(style.yellow("! ") + warning) }
        }
    }
}

/// Functions in lines.
enum FunctionTable {
    static let columns: [Table.Column] = [
        "NAME", .number("VERSION"), "STATE", .number("WORKERS"), .number("WAITING"), .number("SUCCEEDED"),
        .number("FAILED"), .number("P50"), .number("P99"),
    ]

    static func row(_ function: FunctionStatus, _ style: Style) -> [String] {
        [
            function.name, "\(function.version)", style.state(function.state),
            "\(function.busyWorkers)+\(function.idleWorkers)/\(function.concurrency)",
            Human.grouped(function.waiting), Human.grouped(function.succeeded),
            function.failed == 0 ? "0" : style.red(Human.grouped(function.failed)),
            function.medianMilliseconds.map(Human.milliseconds) ?? "-",
            function.p99Milliseconds.map(Human.milliseconds) ?? "-",
        ]
    }
}

/// Subscriptions in lines.
enum SubscriptionTable {
    static let columns: [Table.Column] = [
        "RULE", "FUNCTION", "STATE", .number("MATCHED"), .number("SUCCEEDED"), .number("WAITING"),
        .number("RUNNING"), .number("RETRYING"), .number("PARKED"), .number("REDRIVEN"), .number("DEAD"),
    ]

    static func row(_ item: SubscriptionStatus, _ style: Style) -> [String] {
        // The usual target has its function's name, and the usual bus is `default`: neither is worth the room.
        let rule = (item.bus == "default" ? "" : item.bus + "/") + item.rule
        return [
            item.target == item.function ? rule : "\(rule)/\(item.target)", item.function,
            style.state(item.state), Human.grouped(item.matched), Human.grouped(item.succeeded),
            Human.grouped(item.waiting), Human.grouped(item.inFlight), Human.grouped(item.retrying),
            Human.grouped(item.parked), Human.grouped(item.redriven),
            item.dead == 0 ? "0" : style.red(Human.grouped(item.dead)),
        ]
    }
}

/// Buckets in lines.
enum BucketTable {
    static let columns: [Table.Column] = ["NAME", .number("OBJECTS"), .number("SIZE"), "WATCHING", "PATH"]

    static func row(_ bucket: BucketInfo, _ style: Style) -> [String] {
        [
            bucket.name, Human.grouped(bucket.objects), Human.bytes(bucket.bytes), style.state(bucket.watching),
            bucket.path,
        ]
    }
}
