import ArgumentParser
import HostAPI

/// `sluice backup`.
struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the journal and the deployed functions into a new folder while the host works.",
        discussion: """
            The copy is a data folder of its own: `sluice up --data DIR` starts from it. It holds every event that was \
            accepted before the command. Buckets are plain folders: copy them after the journal, with whatever copies \
            folders.
            """)

    @Argument(help: ArgumentHelp("The folder to make.", valueName: "dir")) var destination: String
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let result = try await common.host.backup(BackupRequest(destination: Paths.absolute(destination)))
        let output = common.output
        if output.json { return try output.object(result) }
        output.line(
            "copied the journal (\(Human.bytes(result.journalBytes))) and \(Human.count(result.modules, "module")) to "
                + result.destination)
        output.line("the buckets are not in it: copy their folders now, with times and hidden files (cp -a)")
    }
}
