import ArgumentParser
import Glibc
import HostAPI

/// `sluice deploy`.
struct Deploy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deploy", abstract: "Put an app folder into force on the running host.",
        discussion: "A folder with mistakes is refused as a whole, and what runs goes on unchanged.")

    @Option(
        name: .long, help: ArgumentHelp("The app folder. Default: the one `up` was started with.", valueName: "dir"))
    var app: String?
    @Flag(name: .long, help: "Build the functions first (swift build -c release in the app folder).")
    var build = false
    @Flag(name: .long, help: "Say what would change, and change nothing.")
    var dryRun = false
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let host = common.host
        var folder: String?
        if let app {
            guard let resolved = realpath(app, nil) else {
                throw errno == ENOENT
                    ? Failure(
                        "there is no app folder \(app)", hint: "name the folder that holds sluice.yaml with --app DIR")
                    : Failure.file("open", app)
            }
            defer { free(resolved) }
            folder = String(cString: resolved)
        }
        if build {
            // Before a build that takes minutes: is there a host to deploy to?
            let status = try await host.status()
            guard let place = folder ?? status.appFolder else {
                throw Failure("no app folder to build", hint: "say which with --app DIR")
            }
            // A slip in a file is told at once, and not after a build.
            _ = try AppFolderRules.load(place)
            try Subprocess.run(["swift", "build", "-c", "release", "--package-path", place])
        }
        let result = try await host.deploy(DeployRequest(app: folder, dryRun: dryRun, by: Requester.name))
        let output = common.output
        if output.json {
            try output.object(result)
        } else {
            show(result, output)
        }
        if !result.accepted { throw ExitCode(1) }
    }

    private func show(_ result: DeployResult, _ output: Output) {
        for finding in result.findings {
            let text = finding.description
            output.line(finding.severity == "error" ? output.style.red(text) : output.style.yellow(text))
        }
        guard result.accepted else {
            output.line("refused; rule set \(result.ruleSet) stays in force")
            return
        }
        guard !result.changes.isEmpty else {
            output.line("nothing to change; rule set \(result.ruleSet) is in force")
            return
        }
        output.table(
            ["ACTION", "KIND", "NAME", "NOTE"],
            result.changes.map { [output.style.state($0.action), $0.kind, $0.name, $0.note ?? ""] })
        output.line(
            dryRun
                ? "dry run: nothing was changed; rule set \(result.ruleSet) stays in force"
                : "deployed: rule set \(result.ruleSet) is in force")
    }
}
