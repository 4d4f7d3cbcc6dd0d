import ArgumentParser

extension Sluice {
    /// Commands around the host itself.
    static let hostCommands: [any ParsableCommand.Type] = [
        Up.self, Deploy.self, New.self, Invoke.self, Status.self, Doctor.self, Logs.self, Backup.self,
        Bench.self,
    ]
}
