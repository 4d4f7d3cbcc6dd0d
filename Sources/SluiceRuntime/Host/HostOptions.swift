package import HostAPI

/// How a host is started.
package struct HostOptions: Sendable {
    package var dataFolder: String
    /// Nil: go on with what is deployed.
    package var appFolder: String?
    /// Taken without an `appFolder` where nothing is deployed yet, or where it is what was deployed.
    package var fallbackAppFolder: String?
    /// The `sluice-worker` executable; nil: beside this program.
    package var worker: String?
    /// Is told how far the start is; nil: nobody asks.
    package var progress: StartProgress?
    /// Events are taken in, and nothing is delivered, put by a clock or removed before `HostRuntime.letGo`.
    package var isHeld: Bool

    package init(
        dataFolder: String, appFolder: String?, fallbackAppFolder: String? = nil, worker: String? = nil,
        progress: StartProgress? = nil, isHeld: Bool = false
    ) {
        self.isHeld = isHeld
        self.progress = progress
        self.fallbackAppFolder = fallbackAppFolder
        self.dataFolder = dataFolder
        self.appFolder = appFolder
        self.worker = worker
    }
}

/// Why a host cannot start.
package struct HostStartError: Error, Sendable, CustomStringConvertible {
    package var message: String
    package var findings: [AppFinding] = []

    static func noThread(_ reason: String) -> HostStartError {
        HostStartError(
            message: "\(reason); the host needs some: raise the limit on processes of its user (`ulimit -u`) or of its "
                + "container (`pids.max`), or end what has taken them")
    }

    package var description: String {
        ([message] + findings.map { "  \($0)" }).joined(separator: "\n")
    }
}
