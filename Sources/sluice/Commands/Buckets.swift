import ArgumentParser
import HostAPI

/// `sluice buckets`.
struct Buckets: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "buckets", abstract: "Folders that are watched.",
        subcommands: [List.self, Trigger.self, Jobs.self, Lifecycle.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Buckets, what is in them, how they are watched.")
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let buckets = try await common.host.listBuckets()
            let output = common.output
            if output.json { return try buckets.forEach(output.object) }
            guard !buckets.isEmpty else {
                return output.line("no buckets; name them in sluice.yaml and `sluice deploy`")
            }
            output.table(BucketTable.columns, buckets.map { BucketTable.row($0, output.style) })
            for bucket in buckets {
                for note in bucket.notes { output.line(output.style.yellow("! ") + "\(bucket.name): \(note)") }
            }
        }
    }

    struct Trigger: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "trigger", abstract: "Make `Object Created` events for what is there already.",
            discussion: """
                A job of the host, which goes on across restarts: see `sluice buckets jobs`. While one runs for the same \
                bucket and prefix no second one is begun.
                """)
        @Argument(help: "The bucket.") var bucket: String
        @Argument(help: "Only keys that begin so.") var prefix = ""
        @Option(name: .long, help: ArgumentHelp("At most this many events a second.", valueName: "n")) var rate: Double?
        @Flag(name: .long, help: "Count, and put nothing.") var dryRun = false
        @OptionGroup var common: CommonOptions

        func validate() throws {
            if let problem = RequestedRate.problem(rate) { throw ValidationError("--rate \(problem).") }
        }

        func run() async throws {
            let result = try await common.host.trigger(
                bucket: bucket, request: TriggerRequest(prefix: prefix, rate: rate, dryRun: dryRun, by: Requester.name))
            let output = common.output
            if output.json { return try output.object(result) }
            let objects = Human.count(result.objects, "object") + " in \(bucket)/\(prefix)"
            if dryRun { return output.line("dry run: \(objects) would trigger") }
            guard let job = result.job else { return output.line("triggered \(objects)") }
            if result.isRunning == true {
                output.line("\(job.id) runs already for \(objects): \(TriggerTable.progress(job))")
            } else {
                output.line("triggered \(objects): \(job.id)")
            }
            output.line("see it: sluice buckets jobs \(job.id)\(common.repeated)")
        }
    }

    struct Jobs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "jobs", abstract: "Who triggered what, when, and how far it is.",
            discussion: "Without an id the jobs of `buckets trigger`, newest first; with one, the job.")
        @Argument(help: "The job's id.") var id: String?
        @Flag(name: .long, help: "Stop the job: the events that were made are delivered, no more are made.")
        var cancel = false
        @OptionGroup var common: CommonOptions

        func validate() throws {
            if cancel && id == nil { throw ValidationError("Say which job to cancel.") }
        }

        func run() async throws {
            let (host, output) = (common.host, common.output)
            guard let id else {
                let jobs = try await host.listTriggers()
                if output.json { return try jobs.forEach(output.object) }
                guard !jobs.isEmpty else { return output.line("nothing was triggered yet") }
                return output.table(TriggerTable.columns, jobs.map { TriggerTable.row($0, output.style) })
            }
            let job = cancel ? try await host.cancelTrigger(id: id) : try await host.triggerJob(id: id)
            if output.json { return try output.object(job) }
            output.fields([
                ("job", output.style.bold(job.id) + "  " + output.style.state(job.state.rawValue)),
                ("ended early", job.reason), ("which", "\(job.bucket)/\(job.prefix)"), ("by", job.by),
                ("began", job.started.map { "\($0)  (\(Human.ago($0)))" }), ("ended", job.ended.map { "\($0)" }),
                ("rate", job.rate.map { "\(Human.decimal($0, 1)) a second" }),
                ("selected", Human.grouped(job.selected)), ("sent", Human.grouped(job.sent)),
            ])
        }
    }
}

/// Jobs of `buckets trigger`, a line each.
enum TriggerTable {
    static let columns: [Table.Column] = [
        .whole("JOB"), .whole("BEGAN"), "BY", .whole("STATE"), .number("SELECTED"), .number("SENT"), "WHICH",
    ]

    static func row(_ job: TriggerJob, _ style: Style) -> [String] {
        [
            job.id, job.started.map { Human.ago($0) } ?? "", job.by ?? "", style.state(job.state.rawValue),
            Human.grouped(job.selected), Human.grouped(job.sent), "\(job.bucket)/\(job.prefix)",
        ]
    }

    static func progress(_ job: TriggerJob) -> String {
        "\(Human.grouped(job.sent)) of \(Human.count(job.selected, "event"))"
    }
}
