import ArgumentParser
import HostAPI

/// `sluice manifests`.
struct Manifests: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manifests", abstract: "Manifests still waiting for files.", subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "What is waited for, what is missing, and until when.")
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let manifests = try await common.host.listManifests()
            let output = common.output
            if output.json { return try manifests.forEach(output.object) }
            guard !manifests.isEmpty else { return output.line("nothing is waited for") }
            output.table(
                ["MANIFEST", "RULE", .number("FILES"), .number("MISSING"), .whole("UNTIL")],
                manifests.map {
                    [
                        "\($0.bucket)/\($0.key)", $0.rule, "\($0.files)", $0.missing.map { "\($0.count)" } ?? "?",
                        Human.moment($0.deadline),
                    ]
                })
            for manifest in manifests {
                for text in manifest.missing?.prefix(10) ?? [] { output.line("  \(text)") }
            }
        }
    }
}
