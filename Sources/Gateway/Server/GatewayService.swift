import FunctionJSON
import Glibc
package import HostAPI
import Hummingbird
package import Logging
import NIOCore
import ServiceLifecycle

/// Serves a host's answers over HTTP on a Unix socket in the data folder, readable by its owner alone.
package struct GatewayService: Service {
    private let control: any HostControl
    private let dataFolder: String
    private let log: Logger
    private let ready: @Sendable () async -> Void

    /// `ready` is called once requests are answered.
    package init(
        control: any HostControl, dataFolder: String, log: Logger, ready: @escaping @Sendable () async -> Void
    ) {
        self.control = control
        self.dataFolder = dataFolder
        self.log = log
        self.ready = ready
    }

    /// Serves until the graceful shutdown. Throws if the socket cannot be bound.
    package func run() async throws {
        guard let socket = SocketPath(dataFolder: dataFolder) else {
            throw APIError.unavailable(
                "the data folder \(dataFolder) cannot be opened: \(String(cString: strerror(errno)))")
        }
        let path = socket.path
        // Whoever runs this holds the data folder's lock: a socket that is there was left by a host that is gone.
        unlink(path)
        let ready = ready
        let application = Application(
            router: GatewayRoutes.router(control),
            configuration: ApplicationConfiguration(address: .unixDomainSocket(path: path), serverName: "sluice"),
            onServerRunning: { _ in
                chmod(path, 0o600)
                await ready()
            },
            logger: log)
        try await application.run()
        unlink(path)
        withExtendedLifetime(socket) {}
    }
}
