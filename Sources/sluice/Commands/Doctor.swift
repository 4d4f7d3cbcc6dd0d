import ArgumentParser
import Gateway
import Glibc
import HostAPI
import Journal
import SluiceRuntime

/// `sluice doctor`: does everything add up?
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check the data folder: recount every event, compare index, catalog and buckets.",
        discussion: """
            With a host running it is asked; without one the journal is recounted from the files. Exits with 1 if \
            anything is wrong.
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let report: DoctorReport
        do {
            report = try await common.host.doctor()
        } catch let error as APIError where error.code == "Unavailable" {
            report = try offline(error)
        }
        try print(report)
        if !report.isHealthy { throw ExitCode(1) }
    }

    private func print(_ report: DoctorReport) throws {
        let output = common.output
        if output.json {
            for check in report.checks { try output.object(check) }
            return
        }
        for check in report.checks {
            let mark =
                switch check.state {
                case .ok: output.style.green("ok     ")
                case .warning: output.style.yellow("warning")
                case .failed: output.style.red("failed ")
                }
            output.sentence("\(mark)  \(output.style.bold(check.name)): \(check.message)", hanging: 9)
            for detail in check.details { output.sentence(detail, indent: 11) }
            if let hint = check.hint { output.sentence(output.style.dim(hint), indent: 11) }
        }
    }

    /// No host answers: the journal alone, read-only. One that starts or stops may be writing it: it is held up as
    /// little as by a check of its own.
    private func offline(_ silence: APIError) throws -> DoctorReport {
        let journal = "\(common.folder)/journal/journal.sqlite"
        guard access(journal, R_OK) == 0 else {
            guard errno == ENOENT || errno == ENOTDIR else {
                throw Failure.file("read", journal, hint: "the data folder is another user's: run this as its owner")
            }
            throw Failure(
                "\(common.folder) is no data folder: there is no \(journal)",
                hint: "name the data folder of a host with --data DIR; `sluice up --data DIR` makes one")
        }
        do {
            let isHeld = FolderHolder(dataFolder: common.folder) != nil
            let report = try SQLiteJournal.recount(
                dataFolder: Paths.absolute(common.folder), patience: isHeld ? SQLiteJournal.checkPatience : nil)
            return DoctorReport(
                checks: DoctorReport.Check.journal(report) + [
                    DoctorReport.Check(
                        name: "host", state: .warning,
                        message: (isHeld ? silence.message : "no host is running")
                            + "; buckets and catalog were not compared",
                        details: [],
                        hint: isHeld ? silence.hint : "start one with: sluice up --data \(common.folder)")
                ])
        } catch {
            throw Failure(
                "the journal in \(common.folder) cannot be checked: \(error.message)",
                hint: error.code == .corrupt
                    ? "keep the folder as it is, and start a host on a backup: docs/operating.md, Backup"
                    : "this says nothing about what is in the journal: once the cause is gone, ask again")
        }
    }
}
