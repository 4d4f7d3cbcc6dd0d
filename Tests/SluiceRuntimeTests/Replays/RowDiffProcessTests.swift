import Foundation
import FunctionProtocol
import Glibc
import SluiceRuntime
import Testing

@Suite("Comparing rows in a process", .timeLimit(.minutes(2)))
struct RowDiffProcessTests {
    private let folder = TemporaryFolder(name: "diff")

    /// Written by another process: a program that somebody has open for writing, be it a child that was forked at that
    /// moment, cannot be run.
    private func program(_ script: String) throws -> String {
        let path = "\(folder.path)/program"
        let writer = Process()
        writer.executableURL = URL(filePath: "/bin/sh")
        writer.arguments = [
            "-c", "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod 755 \"$2\"", "sh", script, path,
        ]
        try writer.run()
        writer.waitUntilExit()
        return path
    }

    private func run(_ rows: RowDiffProcess) -> String? {
        switch rows.run(before: "a", after: "b", format: "csv", keys: [], examples: 1) {
        case .success: nil
        case .failure(let failure): failure.code
        }
    }

    @Test("A stop ends what runs, and nothing starts any more")
    func stopping() async throws {
        let began = folder.path + "/began"
        #expect(mkfifo(began, 0o600) == 0)
        let rows = RowDiffProcess(program: try program("echo > '\(began)'; exec sleep 600"))
        let threads = FileThreads(count: 2)
        async let ended = threads.run { run(rows) }
        // Opens when the program opens its end.
        close(await threads.run { open(began, O_RDONLY | O_CLOEXEC) })
        rows.stop()
        #expect(await ended == "DiffFailed")
        #expect(run(rows) == "NoProcess")
        threads.stop()
    }

    @Test("A program that closes its output and goes on is ended in time")
    func silent() throws {
        let runner = ProgramRunner()
        let program = try program("exec >&- 2>&-; exec sleep 600")
        guard
            case .failure(let failure) = runner.run(
                program, [], takesErrors: true, limits: .init(seconds: 1, outputBytes: 100))
        else { throw CocoaError(.fileReadUnknown) }
        #expect(failure.code == "TimedOut")
    }

    @Test("A program is waited for also where there is no descriptor to be had for it")
    func withoutDescriptor() throws {
        let runner = ProgramRunner(openProcess: { _ in -1 })
        let late = try program("echo done; exec >&- 2>&-; sleep 0.1; exit 3")
        let (output, status) = try runner.run(late, [], takesErrors: true, limits: .init(seconds: 60, outputBytes: 100))
            .get()
        #expect(String(decoding: output, as: UTF8.self) == "done\n" && status >> 8 & 0xff == 3)
        let silent = try program("exec >&- 2>&-; exec sleep 600")
        guard
            case .failure(let failure) = runner.run(
                silent, [], takesErrors: true, limits: .init(seconds: 1, outputBytes: 100))
        else { throw CocoaError(.fileReadUnknown) }
        #expect(failure.code == "TimedOut")
    }

    @Test("What a program says instead of a difference is the reason")
    func reasons() throws {
        #expect(run(RowDiffProcess(program: try program("echo no such column; exit 1"))) == "DiffFailed")
        #expect(run(RowDiffProcess(program: "\(folder.path)/nothing")) == "NoProgram")
    }
}
