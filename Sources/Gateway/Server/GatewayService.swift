import CLinux
import FunctionJSON
import Glibc
package import HostAPI
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Serves a host's answers over HTTP on a Unix socket in the data folder, readable by its owner alone; and, where
/// asked, EventBridge's PutEvents and Kinesis' calls on a TCP address. Everything else stays on the socket: TCP has no
/// owner.
package struct GatewayService: Service {
    /// What answers say of their server.
    static let name = "sluice"

    private let control: any HostControl
    private let dataFolder: String
    private let listen: ListenAddress?
    private let producers: ProducerLimits
    private let log: Logger
    private let ready: @Sendable (_ listening: ListenAddress?) async -> Void

    /// `ready` is called once requests are answered, with the address of `listen` and its true port.
    package init(
        control: any HostControl, dataFolder: String, listen: ListenAddress? = nil,
        producers: ProducerLimits = ProducerLimits(), log: Logger,
        ready: @escaping @Sendable (_ listening: ListenAddress?) async -> Void
    ) {
        self.control = control
        self.dataFolder = dataFolder
        self.listen = listen
        self.producers = producers
        self.log = log
        self.ready = ready
    }

    /// Serves until the graceful shutdown, which ends streams that are being read. Throws if an address cannot be
    /// bound.
    package func run() async throws {
        guard let socket = SocketPath(dataFolder: dataFolder) else {
            throw APIError.unavailable(
                "the data folder \(dataFolder) cannot be opened: \(String(cString: strerror(errno)))")
        }
        // Asked first: servers that are taken down halfway say more than they know.
        if let listen { try await listen.requireFree() }
        let path = socket.path
        // This host holds the data folder's lock: a socket that is there was left by a host that is gone.
        unlink(path)
        // Requests are read on these loops' threads, which do nothing that takes long.
        for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() {
            loop.execute { _ = clinux_ask_short_turns() }
        }
        let readiness = Readiness(servers: listen == nil ? 1 : 2)
        let ready = ready
        var application = Application(
            router: GatewayRoutes.router(control), server: .onLoops(intake: control),
            configuration: ApplicationConfiguration(address: .unixDomainSocket(path: path), serverName: Self.name),
            onServerRunning: { _ in
                chmod(path, 0o600)
                if let last = readiness.serverIsUp(nil) { await ready(last.listening) }
            },
            logger: log)
        if let listen {
            let server = Application(
                router: GatewayRoutes.producerRouter(control),
                server: .onLoops(idle: .milliseconds(producers.idleMilliseconds)),
                configuration: ApplicationConfiguration(
                    address: .hostname(listen.host, port: listen.port), serverName: Self.name,
                    availableConnectionsDelegate: MaximumAvailableConnections(producers.connections)),
                onServerRunning: { channel in
                    let bound = ListenAddress(host: listen.host, port: channel.localAddress?.port ?? listen.port)
                    if let last = readiness.serverIsUp(bound) { await ready(last.listening) }
                },
                logger: log)
            application.addServices(server)
        }
        defer { unlink(path) }
        do {
            try await application.run()
        } catch let error as IOError {
            throw cannotListen(error.errnoCode)
        }
        withExtendedLifetime(socket) {}
    }

    /// Which of the two it was, the library does not say.
    private func cannotListen(_ code: CInt) -> APIError {
        let other = listen.map { " or \($0)" } ?? ""
        return APIError.unavailable(
            "the host cannot listen on \(dataFolder)/\(SocketPath.name)\(other): \(String(cString: strerror(code)))")
    }
}

/// What connections on the TCP address may take: a client could otherwise leave the host without a descriptor for
/// workers and files.
package struct ProducerLimits: Sendable {
    /// A connection that asks for nothing is closed after it. Clients of AWS open another one.
    package var idleMilliseconds: Int64 = 120_000
    /// More wait to be accepted until one closes.
    package var connections = max(64, min(10_000, Int(clamping: clinux_descriptor_limit() / 4)))

    package init() {}
}

/// Tells when the last of the servers is up.
private final class Readiness: Sendable {
    private struct State {
        var missing: Int
        var listening: ListenAddress?
    }

    private let state: Mutex<State>

    init(servers: Int) {
        state = Mutex(State(missing: servers))
    }

    /// Non-nil for the last one.
    func serverIsUp(_ address: ListenAddress?) -> (listening: ListenAddress?, Void)? {
        state.withLock { state in
            state.missing -= 1
            if let address { state.listening = address }
            return state.missing == 0 ? (state.listening, ()) : nil
        }
    }
}
