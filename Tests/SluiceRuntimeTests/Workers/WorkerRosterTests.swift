import Glibc
import SluiceRuntime
import Testing

@Suite("The roster of started processes", .timeLimit(.minutes(1)))
struct WorkerRosterTests {
    private func lines(_ folder: String) -> [String] {
        guard let file = fopen(folder + "/run/workers", "r") else { return [] }
        defer { fclose(file) }
        var lines: [String] = []
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, 256, file) != nil {
            lines.append(String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        return lines
    }

    @Test("Names of ended processes do not pile up, and those that live are always there")
    func rewriting() async {
        let folder = TemporaryFolder(name: "roster")
        let files = FileThreads(count: 1)
        let roster = WorkerRoster(dataFolder: folder.path, files: files)
        // Processes that live as long as this test does.
        let living = [getpid(), getppid()]
        roster.add(living[0])
        var most = 0
        for _ in 0..<200 {
            // It is removed and comes again: each time a line.
            roster.add(living[1])
            roster.remove(living[1])
            await files.run {}
            most = max(most, lines(folder.path).count)
        }
        roster.add(living[1])
        await files.run {}
        files.stop()
        #expect(most <= 70)
        let named = Set(lines(folder.path).compactMap { $0.split(separator: " ").first.flatMap { pid_t($0) } })
        #expect(named == Set(living))
    }
}
