import ArgumentParser
import HostAPI

/// `sluice buckets`.
struct Buckets: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "buckets", abstract: "Folders that are watched.",
        subcommands: [List.self, Trigger.self, Lifecycle.self])

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
            commandName: "trigger", abstract: "Make `Object Created` events for what is there already.")
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
                bucket: bucket, request: TriggerRequest(prefix: prefix, rate: rate, dryRun: dryRun))
            let output = common.output
            if output.json { return try output.object(result) }
            let objects = Human.count(result.objects, "object") + " in \(bucket)/\(prefix)"
            output.line(dryRun ? "dry run: \(objects) would trigger" : "triggered \(objects)")
        }
    }
}
