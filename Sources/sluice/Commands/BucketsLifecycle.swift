import ArgumentParser
import HostAPI

extension Buckets {
    struct Lifecycle: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lifecycle", abstract: "Remove expired objects now, or show which would go.",
            discussion: """
                Rules are a bucket's `lifecycle:` in sluice.yaml. The host looks every hour by itself. What a waiting, \
                running or dead delivery is about stays, however old it is.
                """)
        @Argument(help: "Only this bucket.") var bucket: String?
        @Flag(name: .long, help: "Show, and remove nothing.") var dryRun = false
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let reports = try await common.host.lifecycle(LifecycleRequest(bucket: bucket, dryRun: dryRun))
            let output = common.output
            if output.json { return try reports.forEach(output.object) }
            guard !reports.isEmpty else {
                return output.line("no rules; write `lifecycle:` beneath a bucket in sluice.yaml and `sluice deploy`")
            }
            output.table(
                [
                    "BUCKET", "RULE", "PREFIX", "AFTER", .number("EXPIRED"), .number("SIZE"), .number("STILL NEEDED"),
                    .number(dryRun ? "WOULD GO" : "REMOVED"),
                ],
                reports.map { report in
                    [
                        report.bucket, report.rule, report.prefix.isEmpty ? "-" : report.prefix, report.expiration,
                        Human.grouped(report.expired), Human.bytes(report.bytes), Human.grouped(report.needed),
                        Human.grouped(dryRun ? report.expired - report.needed : report.removed),
                    ]
                })
            guard dryRun else { return }
            for report in reports {
                for key in report.keys { output.line("  \(report.bucket)/\(key)") }
                let more = report.expired - report.needed - Int64(report.keys.count)
                if more > 0 { output.line("  … and \(Human.grouped(more)) more in \(report.bucket)") }
            }
        }
    }
}
