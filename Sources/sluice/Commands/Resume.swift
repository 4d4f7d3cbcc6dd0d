import ArgumentParser
import HostAPI

/// `sluice resume`.
struct Resume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let a host go that was started with `up --held`: it delivers all that waits.",
        discussion: """
            What is not to be delivered is taken out before: `sluice rules pause` holds a rule back for longer, `sluice dlq \
            purge` gives dead letters up, `sluice deploy` takes another app into force. Deliveries that are paused by \
            themselves go on with `sluice rules resume`.
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let result = try await common.host.resume(ResumeRequest(by: Requester.name))
        let output = common.output
        if output.json { return try output.object(result) }
        output.line(result.wasHeld ? "the host goes on: what waits is delivered" : "the host was not held")
    }
}
