import ArgumentParser
import AppConfig
import Gateway
import Glibc
import HostAPI
import Journal
import Logging
import ServiceLifecycle
import UnixSignals
import SluiceRuntime

/// `sluice up`: the host, in the foreground.
struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the host in the foreground: watch the buckets, route events, run functions.",
        discussion: """
            Prints one line `ready …` when it accepts work, and stops cleanly on SIGTERM and SIGINT. The app folder's \
            functions and rules are deployed if they differ from what is deployed already.
            """)

    @OptionGroup var dataOption: DataOption

    @Option(help: ArgumentHelp("The app folder (default: what is deployed, else this folder).", valueName: "dir"))
    var app: String?

    @Option(
        help: ArgumentHelp(
            "Also take EventBridge's PutEvents over HTTP here, such as 127.0.0.1:8080. Whoever reaches it may put events.",
            valueName: "address"))
    var listen: String?

    @Option(help: ArgumentHelp("The lowest level of the host's own log, on stderr.", valueName: "level"))
    var logLevel = "notice"

    func validate() throws {
        if let listen, ListenAddress(listen) == nil {
            throw ValidationError("`\(listen)` is no address; write PORT, HOST:PORT or [IPv6]:PORT.")
        }
        guard Logger.Level(rawValue: logLevel) != nil else {
            throw ValidationError(
                "`\(logLevel)` is no log level; there are \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))"
            )
        }
    }

    func run() async throws {
        var log = Logger(label: "sluice") { HostLog(label: $0) }
        log.logLevel = Logger.Level(rawValue: logLevel) ?? .notice
        let folder = Paths.absolute(dataOption.folder)
        let service: HostService
        do {
            service = try await HostService.start(
                HostOptions(dataFolder: folder, appFolder: appFolder(data: folder)), log: log)
        } catch {
            throw Failure(startFailure: error)
        }
        let gateway = GatewayService(
            control: service.control, dataFolder: folder, listen: listen.flatMap { ListenAddress($0) }, log: log
        ) { listening in
            let address = listening.map { " listen=\($0)" } ?? ""
            print("ready pid=\(getpid()) data=\(folder) socket=\(folder)/api.sock\(address)")
            fflush(nil)
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: service), .init(service: gateway), .init(service: service.draining)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: log))
        try await group.run()
    }

    /// The folder asked for; without one this folder if it is an app, unless something is deployed already.
    private func appFolder(data: String) -> String? {
        if let app { return Paths.absolute(app) }
        let here = Paths.absolute(".")
        return access("\(here)/sluice.yaml", R_OK) == 0 ? here : nil
    }
}

extension Failure {
    /// What kept a host from starting, and what to do about it.
    init(startFailure error: any Error) {
        switch error {
        case let error as JournalError where error.code == .locked:
            self.init("\(error)", hint: "stop the other host, or use another data folder with --data DIR")
        case let error as JournalError where error.code == .newerFormat:
            self.init("\(error)", hint: "use the newer sluice, or another data folder with --data DIR")
        case let error as JournalError:
            self.init("\(error)", hint: nil)
        case let error as HostStartError:
            self.init(error.description, hint: "mend what is named above and start again")
        default:
            self.init("\(error)", hint: nil)
        }
    }
}

/// The host's own log: one line each on stderr.
private struct HostLog: LogHandler {
    let label: String
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .notice

    init(label: String) {
        self.label = label
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let details = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        let line = "\(Timestamp(milliseconds: Human.now())) \(event.level) \(event.message)\(details)\n"
        _ = line.utf8.withContiguousStorageIfAvailable { write(2, $0.baseAddress, $0.count) }
    }
}
