import ArgumentParser
import HostAPI

/// `sluice backup`.
struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the journal and the deployed functions into a new folder while the host works.",
        discussion: """
            The copy is a data folder of its own: `sluice up --data DIR` starts from it, with --held to look into it before \
            anything is delivered. It holds every event that was accepted before the command. With --with-buckets it \
            holds the objects of all buckets, too, as its journal knows them; else copy their folders after it, with \
            whatever copies folders.
            """)

    @Argument(help: ArgumentHelp("The folder to make.", valueName: "dir")) var destination: String
    @Flag(help: "Also the objects of all buckets, to DIR/buckets, wherever their folders are.") var withBuckets = false
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let result = try await common.host.backup(
            BackupRequest(destination: Paths.absolute(destination), withBuckets: withBuckets ? true : nil))
        let output = common.output
        if output.json { return try output.object(result) }
        output.line(
            "copied the journal (\(Human.bytes(result.journalBytes))) and \(Human.count(result.modules, "module")) to "
                + result.destination)
        if let buckets = result.buckets {
            for bucket in buckets { show(bucket, output) }
        } else {
            output.line("the buckets are not in it: copy their folders now, with times and hidden files (cp -a)")
        }
        output.line(
            "\(result.buckets == nil ? "then " : "")look into it: sluice up --held --data \(Text.shellWord(result.destination))"
        )
    }

    private func show(_ bucket: BackupResult.Bucket, _ output: Output) {
        var text = "bucket \(bucket.name): \(Human.count(bucket.objects, "object")) (\(Human.bytes(bucket.bytes)))"
        if bucket.replaced > 0 { text += ", \(Human.grouped(bucket.replaced)) replaced since the journal was copied" }
        output.line(text)
        let left = bucket.missing + bucket.changing
        guard left > 0 else { return }
        var parts: [String] = []
        if bucket.missing > 0 {
            parts.append("\(Human.grouped(bucket.missing)) went meanwhile and count as deleted there")
        }
        if bucket.changing > 0 { parts.append("\(Human.grouped(bucket.changing)) are still being written") }
        let keys = bucket.keys.map { Text.shown($0) }.joined(separator: ", ") + (left > bucket.keys.count ? ", …" : "")
        output.line(output.style.yellow("  not in the copy: ") + parts.joined(separator: ", ") + ": " + keys)
    }
}
