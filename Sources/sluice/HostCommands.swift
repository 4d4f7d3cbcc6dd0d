import ArgumentParser

extension Sluice {
    /// Commands around the host itself.
    static let hostCommands: [any ParsableCommand.Type] = [
        Deploy.self, Invoke.self, Status.self, Logs.self,
    ]
}
