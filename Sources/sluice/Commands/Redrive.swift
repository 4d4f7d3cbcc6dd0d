import ArgumentParser
import FunctionJSON
import HostAPI

extension DeadLetters {
    struct Redrive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "redrive", abstract: "Deliver again, to the subscription that failed or to another function.",
            discussion: """
                A job of the host, which goes on across restarts and keeps an audit trail: see `sluice dlq jobs`. Waits for \
                the outcome; exit code 1 if some failed again. With --edit one dead letter's event is changed first; the \
                dead letter keeps the original. Of a stream's record the data is edited as `dataJSON` or `dataText`, in \
                place of base64. With --dry-run the changed event is checked and shown.

                Where the object of an event was replaced since, the newer version has an event of its own: the dead letter \
                stays as it is, and counts as failed with NewerVersion, unless --older-versions, --to or --edit is given.

                  sluice dlq redrive --fingerprint 68474834 --dry-run
                  sluice dlq redrive 17 18 --to CSVToParquet
                """)
        @OptionGroup var choice: Choice
        @Flag(name: .long, help: "Say what would be sent, and send nothing.") var dryRun = false
        @Option(name: .long, help: ArgumentHelp("At most this many a second.", valueName: "n")) var rate: Double?
        @Option(
            name: .long, help: ArgumentHelp("To this function, or version of it, instead.", valueName: "name[@version]")
        ) var to: String?
        @Flag(name: .long, help: "Also the other dead letters of their batches.") var withCompanions = false
        @Flag(name: .long, help: "Also where the event's object was replaced by a newer version.")
        var olderVersions = false
        @Flag(name: .long, help: "Edit the event of one dead letter in $VISUAL or $EDITOR, and send that.")
        var edit = false
        @Option(
            name: .long,
            help: ArgumentHelp(
                "Send this file's event (- for the standard input) for one dead letter.", valueName: "file"))
        var editWith: String?
        @Flag(name: .long, inversion: .prefixedNo, help: "Wait until all were delivered.") var wait = true
        @OptionGroup var common: CommonOptions

        func validate() throws {
            if let problem = RequestedRate.problem(rate) { throw ValidationError("--rate \(problem).") }
            if withCompanions && (choice.ids.isEmpty || edit || editWith != nil) {
                throw ValidationError("--with-companions is for dead letters that are named by id and not edited.")
            }
            if edit && editWith != nil { throw ValidationError("--edit and --edit-with exclude each other.") }
            if (edit || editWith != nil) && choice.ids.count != 1 {
                throw ValidationError("--edit is for one dead letter: name its id.")
            }
        }

        func run() async throws {
            let (host, output) = (common.host, common.output)
            try await choice.requireIDs(common)
            var request = RedriveRequest(
                selection: try await choice.selection(host), dryRun: dryRun, rate: rate, to: to,
                withCompanions: withCompanions ? true : nil, by: Requester.name,
                olderVersions: olderVersions ? true : nil)
            let editor = try await editor()
            if let editor {
                guard let text = editor.event else { return output.line("the event is as it was: nothing was sent") }
                do { request.payload = try RecordText.closed(text) } catch let error as Failure {
                    throw editor.failure(error.message, hint: error.hint)
                }
            } else if let editWith {
                request.payload = try RecordText.closed(
                    InputFile.json(of: editWith, hint: "the event must be one JSON object"))
            }
            var job: RedriveJob
            do { job = try await host.redrive(request) } catch let error as APIError {
                throw editor?.failure(error.message, hint: error.hint) ?? error
            }
            if job.selected == 0 {
                try await choice.explainNothing(common)
                if output.json { return try output.object(job) }
                return output.line("no dead letters to redrive")
            }
            if dryRun {
                try show(plan: job)
                if let payload = request.payload, !output.json {
                    output.line("with this event:")
                    output.json(RecordText.opened(payload))
                }
                editor?.discard()
                return
            }
            editor?.discard()
            for other in job.alsoIn ?? [] {
                let (count, verb) = (Human.count(other.count, "dead letter"), other.count == 1 ? "is" : "are")
                StandardError.write(
                    "\(count) of these \(verb) also being redriven by job \(other.job): each is sent by the job that "
                        + "comes to it first; what fails again is sent again by the other (sluice dlq jobs "
                        + "\(other.job)\(common.repeated))")
            }
            if wait {
                job = try await Self.follow(job, common)
            } else {
                for line in Self.held(job, common, isFollowed: false) { StandardError.write(line) }
            }
            if output.json { try output.object(job) } else { show(result: job) }
            if job.failed > 0 || job.reason != nil { throw ExitCode(1) }
        }

        /// Shows a bar until the job is over.
        static func follow(_ started: RedriveJob, _ common: CommonOptions) async throws -> RedriveJob {
            var job = started
            var bar = ProgressBar("redriving")
            var pause = 20
            var told: Set<String> = []
            while !job.isOver {
                for line in held(job, common) where told.insert(line).inserted {
                    bar.finish()
                    StandardError.write(line)
                }
                bar.show(
                    job.succeeded + job.failed, of: job.selected,
                    note: job.failed > job.older ?? 0 ? "\(job.failed - (job.older ?? 0)) failed again" : "")
                try await Task.sleep(for: .milliseconds(pause))
                pause = min(250, pause * 2)
                let id = job.id
                job = try await Waiting.asking(
                    { try await common.host.redriveJob(id: id) }, then: "sluice dlq jobs \(id)\(common.repeated)")
            }
            bar.finish()
            return job
        }

        /// What keeps a job from going on, a line for each target.
        static func held(_ job: RedriveJob, _ common: CommonOptions, isFollowed: Bool = true) -> [String] {
            (job.held ?? []).map { target in
                // How long until a breaker tries again is told by `status`: it is another number each time.
                let reason = target.reason.split(separator: ";")[0]
                let until = reason.hasPrefix("by hand") ? "until" : "until its breaker lets it go on, or"
                let bus = target.bus == "default" ? "" : " --bus \(target.bus)"
                return "\(target.rule)/\(target.target) is paused (\(reason)): held back \(until) `sluice rules resume "
                    + "\(target.rule)\(bus)\(common.repeated)`."
                    + (isFollowed ? " Ctrl-C leaves the job \(job.id) to go on by itself" : "")
            }
        }

        /// The event as the user has left it; nil where it is not to be edited here.
        private func editor() async throws -> EventEditor? {
            guard edit, let id = choice.ids.first else { return nil }
            let detail = try await common.host.deadLetter(id: id)
            // What was sent last is likeliest to be nearest to what is wanted.
            return try EventEditor(
                editing: RecordText.opened(detail.edits?.last?.payload ?? detail.payload), name: "dead-letter-\(id)")
        }

        private func show(plan: RedriveJob) throws {
            try Self.show(
                plan, common.output, verdict: "would be delivered again" + (to.map { " to \($0)" } ?? ""))
        }

        /// What a dry run has selected, and what would become of it.
        static func show(
            _ plan: RedriveJob, _ output: Output, verdict: String, isRedrive: Bool = true
        ) throws {
            if output.json { return try output.object(plan) }
            if !plan.letters.isEmpty {
                LetterTable.write(plan.letters, to: output)
            }
            if plan.selected > plan.letters.count {
                output.line(output.style.dim("… and \(Human.grouped(plan.selected - plan.letters.count)) more"))
            }
            let older = isRedrive ? plan.older ?? 0 : 0
            output.line("dry run: \(Human.count(plan.selected - older, "dead letter")) \(verdict)")
            if older > 0 { output.line(Self.left(older)) }
        }

        /// Of those that a redrive leaves alone.
        private static func left(_ older: Int) -> String {
            "\(Human.count(older, "dead letter")) left alone (NewerVersion): a newer version of the object has an event of its "
                + "own; purge what is no longer wanted, or send it all the same with --older-versions"
        }

        private func show(result job: RedriveJob) {
            let output = common.output
            guard job.isOver else {
                output.line("redriving \(Human.count(job.selected, "dead letter")) as job \(job.id)")
                return output.line("see it: sluice dlq jobs \(job.id)\(common.repeated)")
            }
            if let reason = job.reason { output.line(output.style.red("ended early: ") + reason) }
            let failed = job.failed - (job.older ?? 0)
            if job.sent == 0, let older = job.older, older == job.selected {
                let (count, verb) = (Human.count(older, "dead letter"), older == 1 ? "is" : "are")
                let file = older == 1 ? "an older version of its file" : "older versions of their files"
                output.line("nothing was sent: \(count) \(verb) about \(file)")
                return output.line(Self.left(older))
            }
            output.line(
                "\(job.state == .cancelled ? "cancelled after" : "redriven") \(Human.count(job.sent, "dead letter")): "
                    + output.style.green("\(Human.grouped(job.succeeded)) succeeded")
                    + (failed <= 0 ? "" : ", " + output.style.red("\(Human.grouped(failed)) failed again")))
            if let older = job.older { output.line(Self.left(older)) }
            if job.failed > 0 {
                output.line(
                    "each dead letter's outcome: sluice dlq jobs \(job.id)\(common.repeated)    reasons: sluice dlq list"
                        + common.repeated)
            }
        }
    }

    struct Jobs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "jobs", abstract: "The audit trail: who redrove what, when, and what came of each.",
            discussion: "Without an id the jobs, newest first; with one, the job and the outcome of each dead letter.")
        @Argument(help: "The job's id.") var id: String?
        @Flag(name: .long, help: "Stop the job: what was sent is delivered, the rest stays dead.") var cancel = false
        @Flag(name: .long, help: "Only those that failed again.") var failed = false
        @OptionGroup var common: CommonOptions

        func validate() throws {
            if cancel && id == nil { throw ValidationError("Say which job to cancel.") }
        }

        func run() async throws {
            let (host, output) = (common.host, common.output)
            guard let id else {
                let jobs = try await host.listRedrives()
                if output.json { return try jobs.forEach(output.object) }
                guard !jobs.isEmpty else { return output.line("nothing was redriven yet") }
                return output.table(
                    [
                        .whole("JOB"), .whole("BEGAN"), "BY", .whole("STATE"), .number("SELECTED"),
                        .number("SUCCEEDED"), .number("FAILED"),
                        "WHICH",
                    ], jobs.map { row($0, output.style) })
            }
            let job = cancel ? try await host.cancelRedrive(id: id) : try await host.redriveJob(id: id)
            if output.json { try output.object(job) } else { show(job) }
            for page in stride(from: 1, through: job.pages ?? 0, by: 1) {
                for outcome in try await host.redriveOutcomes(id: id, page: page)
                where !failed || outcome.state == "failed" {
                    if output.json {
                        try output.object(outcome)
                    } else {
                        let isLeft = outcome.code == "NewerVersion" && outcome.state == "failed" && job.older != nil
                        output.line(
                            "  \(outcome.deadLetter)  \(isLeft ? "left alone" : output.style.state(outcome.state))"
                                + (outcome.code.map { "  \(output.style.red($0))" } ?? ""))
                    }
                }
            }
        }

        private func row(_ job: RedriveJob, _ style: Style) -> [String] {
            let failed = job.failed - (job.older ?? 0)
            let left = job.older.map { $0 > 0 ? ", \(Human.grouped($0)) left alone (NewerVersion)" : "" } ?? ""
            return [
                job.id, job.started.map { Human.ago($0) } ?? "", job.by ?? "", style.state(job.state.rawValue),
                Human.grouped(job.selected), Human.grouped(job.succeeded),
                failed == 0 ? "0" : style.red(Human.grouped(failed)), words(job) + left,
            ]
        }

        private func words(_ job: RedriveJob) -> String {
            var parts: [String] = []
            if let selection = job.selection {
                if selection.all { parts.append("all") }
                if let ids = selection.ids {
                    parts.append(ids.prefix(5).map(String.init).joined(separator: " ") + (ids.count > 5 ? " …" : ""))
                }
                if let function = selection.function { parts.append("function \(TargetName.shown(function))") }
                if let code = selection.code { parts.append("code \(code)") }
                if let fingerprint = selection.fingerprint { parts.append("fingerprint \(fingerprint)") }
                if let since = selection.since { parts.append("since \(since)") }
                if let until = selection.until { parts.append("until \(until)") }
                if let pattern = selection.eventPattern { parts.append("pattern \(Text.oneLine(pattern))") }
            }
            if let to = job.to { parts.append("to \(to)") }
            if job.isEdited == true { parts.append("edited") }
            return parts.joined(separator: ", ")
        }

        private func show(_ job: RedriveJob) {
            let output = common.output
            output.fields([
                ("job", output.style.bold(job.id) + "  " + output.style.state(job.state.rawValue)),
                ("ended early", job.reason), ("which", words(job)), ("by", job.by),
                ("began", job.started.map { "\($0)  (\(Human.ago($0)))" }), ("ended", job.ended.map { "\($0)" }),
                ("rate", job.rate.map { "\(Human.decimal($0, 1)) a second" }),
                ("selected", Human.grouped(job.selected)), ("sent", Human.grouped(job.sent)),
                ("succeeded", Human.grouped(job.succeeded)),
                ("failed again", Human.grouped(job.failed - (job.older ?? 0))),
                ("left alone", job.older.map { "\(Human.grouped($0))  (NewerVersion)" }),
            ])
            for line in Redrive.held(job, common) { output.line(line) }
            output.line()
        }
    }
}
