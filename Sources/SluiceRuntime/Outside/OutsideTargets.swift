import AppConfig
import FunctionProtocol
import Glibc
import Journal
package import UVLoop

/// Webhooks and commands: what runs in the place of a worker. Everything around an attempt (retries, rates, order, dead
/// letters) is that of functions; what happens outside happens at least once, and carries the invocation's id so that
/// the other side can tell.
@LoopActor
package final class OutsideTargets {
    /// An attempt for something outside.
    struct Call {
        var context: AttemptContext
        /// The event, or an array of events.
        var payload: [UInt8]
    }

    private let files: FileThreads
    private let clock: HostClock
    private let roster: WorkerRoster
    private unowned let delegate: any WorkerPoolDelegate
    private var transfers: HTTPTransfers?
    private var runs: [UInt64: CommandRun] = [:]
    private var requests: Set<UInt64> = []
    private var isStopping = false

    init(files: FileThreads, clock: HostClock, roster: WorkerRoster, delegate: any WorkerPoolDelegate) {
        self.files = files
        self.clock = clock
        self.roster = roster
        self.delegate = delegate
        // A program that does not read its input, a server that hangs up: failures of theirs, not the host's end.
        signal(SIGPIPE, SIG_IGN)
        // Whoever has started the host may ignore it, and then nobody could tell how a program ended.
        signal(SIGCHLD, SIG_DFL)
    }

    /// Runs a call. The delegate hears `attemptFinished` exactly once, never from within.
    func start(_ call: Call) {
        let id = UInt64(call.context.id.number)
        guard !isStopping, let settings = call.context.settings else {
            LoopActor.submit { [weak self] in
                self?.finish(id, AttemptReport(outcome: .failure(.hostStopping)), since: nil)
            }
            return
        }
        delegate.attemptStarted(id)
        let since = clock.nanoseconds
        if let webhook = settings.webhook {
            requests.insert(id)
            Task { @LoopActor in await send(webhook, call, id, since) }
        } else if let command = settings.command {
            Task { @LoopActor in await run(command, call, id, since) }
        }
    }

    /// Ends an attempt; false where it is none of these.
    func cancel(id: UInt64) -> Bool {
        if let run = runs[id] {
            run.cancel()
            return true
        }
        guard requests.contains(id) else { return false }
        transfers?.cancel(id: id)
        return true
    }

    func stop() {
        isStopping = true
        for run in runs.values { run.cancel() }
        transfers?.stop()
        transfers = nil
    }

    private func finish(_ id: UInt64, _ report: AttemptReport, since: Int64?) {
        runs[id] = nil
        requests.remove(id)
        var report = report
        if let since { report.durationMicroseconds = (clock.nanoseconds - since) / 1000 }
        delegate.attemptFinished(id, report)
    }

    // MARK: Webhooks

    private func send(_ webhook: WebhookDefinition, _ call: Call, _ id: UInt64, _ since: Int64) async {
        var request = HTTPRequest(
            url: webhook.url, method: webhook.method.rawValue,
            headers: [
                ("Content-Type", "application/json"), ("User-Agent", "sluice/\(HostRuntime.version)"),
                // The same for every attempt: the other side can tell a repetition.
                ("Idempotency-Key", call.context.invocationID),
            ], body: call.payload, timeout: webhook.timeoutSeconds)
        var shown = webhook.shownURL
        let curl: Curl
        do {
            let (url, headers, authorities, library) = try await files.run {
                (
                    try webhook.readURL(), try webhook.headers.map { (name: $0.name, value: try $0.value.read()) },
                    try webhook.readAuthorities(), try Curl.load()
                )
            }
            curl = library
            request.url = url
            request.authorities = authorities
            if webhook.secretURL != nil { shown = WebhookDefinition.origin(of: url) }
            for header in headers {
                request.headers.removeAll { $0.name.lowercased() == header.name.lowercased() }
                request.headers.append(header)
            }
        } catch {
            let failure = error as? Failure ?? Failure(code: "SecretMissing", message: "\(error)")
            return finish(id, AttemptReport(outcome: .failure(failure)), since: since)
        }
        guard !isStopping else { return finish(id, AttemptReport(outcome: .failure(.hostStopping)), since: since) }
        let transfers: HTTPTransfers
        if let known = self.transfers {
            transfers = known
        } else {
            do throws(Failure) {
                transfers = try HTTPTransfers(curl)
            } catch {
                return finish(id, AttemptReport(outcome: .failure(error)), since: since)
            }
        }
        self.transfers = transfers
        let outcome = await withCheckedContinuation { continuation in
            transfers.start(request, id: id) { continuation.resume(returning: $0) }
        }
        let name = "\(webhook.method.rawValue) \(shown)"
        var report: AttemptReport
        switch outcome {
        case .answer(let status, let body, let retryAfter):
            report = AttemptReport(outcome: WebhookAnswer.outcome(status: status, body: body, request: name))
            if case .failure = report.outcome {
                report.retryAfter = retryAfter.flatMap { WebhookAnswer.retryAfter($0, now: clock.wall) }
            }
        case .timedOut:
            report = AttemptReport(
                outcome: .failure(
                    Failure(
                        code: "TimedOut",
                        message: "\(name) had not answered after \(webhook.timeoutSeconds) s (its `timeout`)")))
        case .unreachable(let reason):
            report = AttemptReport(
                outcome: .failure(Failure(code: "WebhookUnreachable", message: "\(name): \(reason)", retry: true)))
        case .cancelled: report = AttemptReport(outcome: .failure(.hostStopping))
        }
        finish(id, report, since: since)
    }

    // MARK: Commands

    private func run(_ command: CommandDefinition, _ call: Call, _ id: UInt64, _ since: Int64) async {
        let context = call.context
        var environment = Self.inherited
        environment["SLUICE_RULE"] = context.rule
        environment["SLUICE_TARGET"] = context.settings?.target ?? ""
        environment["SLUICE_EVENT_ID"] = context.attempt.works.first?.eventID ?? ""
        environment["SLUICE_INVOCATION_ID"] = context.invocationID
        environment["SLUICE_REQUEST_ID"] = "\(context.id)"
        environment["SLUICE_ATTEMPT"] = "\(context.attempt.number)"
        do {
            let own = try await files.run { try command.environment.mapValues { try $0.read() } }
            environment.merge(own) { $1 }
        } catch {
            let failure = error as? Failure ?? Failure(code: "SecretMissing", message: "\(error)")
            return finish(id, AttemptReport(outcome: .failure(failure)), since: since)
        }
        guard !isStopping else { return finish(id, AttemptReport(outcome: .failure(.hostStopping)), since: since) }
        let roster = roster
        let run = CommandRun(
            program: command.program, arguments: command.arguments, environment: environment, input: call.payload,
            timeout: command.timeoutSeconds, clock: clock, started: { roster.add($0) }, ended: { roster.remove($0) })
        runs[id] = run
        // A thread for the time it runs: a slow program must not keep a disk waiting.
        let thread = FileThreads(count: 1)
        let outcome: CommandRun.Outcome
        if let reason = thread.refusal {
            outcome = CommandRun.Outcome(ending: .notStarted(reason), lines: [], output: [])
        } else {
            outcome = await thread.run { run.run() }
        }
        thread.stop()
        var report = AttemptReport(outcome: Self.outcome(outcome, command))
        report.logs = outcome.lines
        finish(id, report, since: since)
    }

    private static func outcome(_ outcome: CommandRun.Outcome, _ command: CommandDefinition) -> AttemptReport.Outcome {
        let last = outcome.lines.last.map { ": \($0.text.prefix(300))" } ?? ""
        switch outcome.ending {
        case .exited(0): return .success(outcome.output)
        case .exited(let code):
            return .failure(
                Failure(code: "Exit\(code)", message: "\(command.program) ended with exit code \(code)\(last)"))
        case .signalled(let signal):
            return .failure(
                Failure(code: "Signal\(signal)", message: "\(command.program) was ended by signal \(signal)\(last)"))
        case .timedOut:
            return .failure(
                Failure(
                    code: "TimedOut",
                    message:
                        "\(command.program) ran longer than \(command.timeoutSeconds) s (its `timeout`) and was killed")
            )
        case .cancelled: return .failure(.hostStopping)
        case .notStarted(let reason):
            return .failure(
                Failure(code: "CommandNotStarted", message: "\(command.program) cannot be started: \(reason)"))
        }
    }

    /// What a program needs to find its way; nothing else of the host's environment.
    private static let inherited: [String: String] = {
        var environment: [String: String] = [:]
        for name in ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME"] {
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
        return environment
    }()
}

extension Failure {
    fileprivate static let hostStopping = Failure(code: "HostStopping", message: "the host is stopping")
}

extension SubscriptionSettings {
    /// It is delivered to no function: to something outside, or to another log of the host.
    package var isOutside: Bool { webhook != nil || command != nil || forward != nil }

    /// How many attempts may run at once where there is no function.
    package var outsideConcurrency: Int { webhook?.concurrency ?? command?.concurrency ?? (forward == nil ? 1 : 16) }

    /// What stands in the place of a function's version.
    package var outsideVersion: FunctionVersion? {
        guard isOutside else { return nil }
        var version = FunctionVersion(
            name: function, version: 0, digest: "", modulePath: "",
            definition: FunctionDefinition(
                name: function, timeoutSeconds: webhook?.timeoutSeconds ?? command?.timeoutSeconds ?? 60), created: 0)
        version.isBatch = batchSize > 1
        return version
    }
}
