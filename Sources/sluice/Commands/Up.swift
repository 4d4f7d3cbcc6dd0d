import ArgumentParser
import AppConfig
import CLinux
import Gateway
import Glibc
import HostAPI
import Journal
import Logging
import ServiceLifecycle
import SluiceRuntime

/// `sluice up`: the host, in the foreground.
struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Run the host in the foreground: watch the buckets, route events, run functions.",
        discussion: """
            Prints one line `ready …` when it accepts work, which names the app in force, and `stopped …` when it has \
            stopped cleanly, on SIGTERM or SIGINT. The app folder's functions and rules are deployed if they differ from what is deployed already. Without \
            --app an app that was deployed from another folder stays in force.

              sluice up --app my-pipeline --data /srv/sluice --listen 127.0.0.1:8080

            --held is for a look, at a backup above all: the host takes events in and answers every question, but delivers \
            nothing, runs no schedule, tells no alarm and removes nothing, before `sluice resume`. Started again without \
            --held it is a host like any other.
            """)

    @OptionGroup var dataOption: DataOption

    @Option(help: ArgumentHelp("The app folder. Default: what is deployed, else this folder.", valueName: "dir"))
    var app: String?

    @Flag(help: "Deliver nothing, and let no clock start or remove anything, until `sluice resume`.")
    var held = false

    @Option(
        help: ArgumentHelp(
            "Also listen here, such as 127.0.0.1:8080: EventBridge's PutEvents and Kinesis' calls over HTTP, /metrics for "
                + "Prometheus and /v1/health. Who reaches it may put events, and put and read records.",
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
        // Five a worker, one a connection: the usual 1,024 would be the host's bound long before memory is.
        clinux_raise_descriptor_limit()
        let kept = HostLogKeeper()
        var log = Logger(label: "sluice") { HostLog(label: $0, keeper: kept) }
        log.logLevel = Logger.Level(rawValue: logLevel) ?? .notice
        let folder = Paths.absolute(dataOption.folder)
        if let app { try Self.requireFolder(app) }
        try Self.requirePermission(folder)
        // Before there is a data folder, which a mistyped address should not leave behind.
        let address = listen.flatMap { ListenAddress($0) }
        // Where there is one, the host before this one may have been killed just now.
        try await address?.requireFree(patience: access("\(folder)/journal", F_OK) == 0 ? .seconds(2) : .zero)
        let start = StartInProgress(StartProgress(dataFolder: folder), log: log)
        await start.heedSignals()
        let service: HostService
        do {
            service = try await HostService.start(
                HostOptions(
                    dataFolder: folder, appFolder: app.map(Paths.absolute), fallbackAppFolder: thisFolder,
                    progress: start.progress, isHeld: held), log: log, keeping: { kept.keep(in: $0) })
        } catch is StartInterrupted {
            start.end()
            return print("stopped pid=\(getpid()) data=\(folder)")
        } catch {
            start.end()
            throw Failure(startFailure: error)
        }
        let appFolder = await service.runtime.appFolder
        let (inForce, hasApp, isHeld) = (appFolder ?? "none", appFolder != nil, held)
        let gateway = GatewayService(
            control: service.control, dataFolder: folder, listen: address, log: log
        ) { listening in
            let address = listening.map { " listen=\($0)" } ?? ""
            // Before `ready`: a script that waits for that line has seen the warning.
            if !hasApp {
                Failure.warn(
                    "no app is in force: nothing is watched and nothing runs",
                    hint: "deploy one with `sluice deploy --app DIR --data \(folder)`, or start in its folder; "
                        + "`sluice new DIR` makes one")
            }
            if isHeld {
                Failure.warn(
                    "the host is held: nothing is delivered, no schedule or alarm goes off, nothing expires",
                    hint: "`sluice resume --data \(Text.shellWord(folder))` lets it go")
            }
            start.end()
            print(
                "ready pid=\(getpid()) data=\(folder) socket=\(folder)/api.sock\(address)\(isHeld ? " held=yes" : "") "
                    + "app=\(inForce)")
            fflush(nil)
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: service), .init(service: gateway), .init(service: service.draining)],
                logger: log))
        await start.endsOnSignal(group)
        try await group.run()
        print("stopped pid=\(getpid()) data=\(folder)")
    }

    /// Before anything is made: a slip in the name leaves nothing behind, and is no start of a host.
    private static func requireFolder(_ app: String) throws {
        var status = stat()
        guard stat(app, &status) == 0 else {
            throw errno == ENOENT
                ? Failure(
                    "there is no app folder \(app)", hint: "name the folder that holds sluice.yaml with --app DIR")
                : Failure.file("open", app)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw Failure("\(app) is a file and no app folder", hint: "name the folder that holds sluice.yaml")
        }
    }

    /// A data folder that is there must be its user's; one that is not must have a place where it can be made.
    private static func requirePermission(_ folder: String) throws {
        var place = folder
        while access(place, F_OK) != 0, errno == ENOENT, place != "/" {
            place = StagedFile.folder(of: place)
        }
        guard access(place, W_OK | X_OK) != 0, errno == EACCES else { return }
        throw Failure(
            "cannot \(place == folder ? "use" : "make") \(folder): no permission",
            hint: "choose a folder that you may write with --data DIR, or have the owner of \(place) changed (chown)")
    }

    /// This folder, if it is an app.
    private var thisFolder: String? {
        let here = Paths.absolute(".")
        let isApp = ["sluice.yaml", "Functions", "Events"].contains { access("\(here)/\($0)", R_OK) == 0 }
        return isApp ? here : nil
    }
}

extension JournalError {
    /// The message without its code, which says nothing to people; with the path where the message does not name it.
    fileprivate var words: String {
        let text = message.hasSuffix(".") ? String(message.dropLast()) : message
        guard let path, !message.contains(path) else { return text }
        return "\(text): \(path)"
    }
}

extension Failure {
    /// What kept a host from starting, and what to do about it.
    init(startFailure error: any Error) {
        switch error {
        case let error as JournalError where error.code == .locked:
            self.init(error.words, hint: "stop it, or start this one with another --data DIR")
        case let error as JournalError where error.code == .newerFormat:
            self.init(error.words, hint: "use the newer sluice, or another data folder with --data DIR")
        case let error as JournalError:
            self.init(
                error.words,
                hint: "`sluice doctor` says what is wrong; what is on disk: docs/journal-format.md")
        case let error as HostStartError:
            self.init(error.description, hint: "correct what is named above and start again")
        default:
            self.init("\(error)", hint: nil)
        }
    }
}
