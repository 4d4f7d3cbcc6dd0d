import ArgumentParser
import HostAPI

extension DeadLetters {
    struct Redrive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deliver again, to the subscription that failed.",
            discussion: "Waits for the outcome; exit code 1 if some failed again.")
        @OptionGroup var choice: Choice
        @Flag(name: .long, help: "Say what would be sent, and send nothing.") var dryRun = false
        @Option(name: .long, help: ArgumentHelp("At most this many a second.", valueName: "n")) var rate: Double?
        @Flag(name: .long, inversion: .prefixedNo, help: "Wait until all were delivered.") var wait = true
        @OptionGroup var common: CommonOptions

        func validate() throws {
            if let rate, !(rate > 0) { throw ValidationError("--rate must be above 0.") }
        }

        func run() async throws {
            let (host, output) = (common.host, common.output)
            var job = try await host.redrive(RedriveRequest(selection: choice.selection, dryRun: dryRun, rate: rate))
            if dryRun { return try show(plan: job) }
            if job.selected == 0 {
                if !choice.ids.isEmpty {
                    throw Failure(
                        "none of these is a dead letter now: \(choice.ids.map(String.init).joined(separator: ", "))",
                        hint: "`sluice dlq list --letters\(common.repeated)` shows those that are")
                }
                if output.json { return try output.object(job) }
                return output.line("no dead letters to redrive")
            }
            if wait {
                var bar = ProgressBar("redriving")
                var pause = 20
                while job.state != "finished" {
                    bar.show(
                        job.succeeded + job.failed, of: job.selected,
                        note: job.failed > 0 ? "\(job.failed) failed again" : "")
                    try await Task.sleep(for: .milliseconds(pause))
                    pause = min(250, pause * 2)
                    job = try await host.redriveJob(id: job.id)
                }
                bar.finish()
            }
            if output.json { try output.object(job) } else { show(result: job) }
            if job.failed > 0 { throw ExitCode(1) }
        }

        private func show(plan: RedriveJob) throws {
            let output = common.output
            if output.json { return try output.object(plan) }
            if !plan.letters.isEmpty {
                output.table(LetterTable.columns, plan.letters.map { LetterTable.row($0, output.style) })
            }
            output.line("dry run: \(Human.count(plan.selected, "dead letter")) would be delivered again")
        }

        private func show(result job: RedriveJob) {
            let output = common.output
            guard job.state == "finished" else {
                output.line("redriving \(Human.count(job.selected, "dead letter")) as job \(job.id)")
                return
            }
            output.line(
                "redriven \(Human.count(job.selected, "dead letter")): "
                    + output.style.green("\(Human.grouped(Int64(job.succeeded))) succeeded")
                    + (job.failed == 0
                        ? "" : ", " + output.style.red("\(Human.grouped(Int64(job.failed))) failed again")))
            if job.failed > 0 { output.line("see why: sluice dlq list\(common.repeated)") }
        }
    }
}
