import Foundation
import Testing
import WrittenFiles

/// A folder with data, in which commands run.
struct CommandFolder {
    let path = temporaryFolder("commands")

    func remove() {
        WrittenFiles.keep(below: path, of: Test.current?.sourceLocation.fileName)
        try? FileManager.default.removeItem(atPath: path)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ name: String, _ text: String) throws {
        try FileManager.default.createDirectory(
            atPath: (file(name) as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: file(name)))
    }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }

    /// Names in the folder, those of unfinished files included.
    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

    /// Runs `sluice` with arguments in which `@` stands for the folder.
    func sluice(_ arguments: String...) async throws -> ProgramResult {
        let words = arguments.map { $0.hasPrefix("@") ? file(String($0.dropFirst())) : $0 }
        return try await run(TestApp.sluice, words)
    }

    /// The same, which must succeed; without line ends at the end.
    func output(_ arguments: String...) async throws -> String {
        let words = arguments.map { $0.hasPrefix("@") ? file(String($0.dropFirst())) : $0 }
        let result = try await run(TestApp.sluice, words)
        #expect(result.ending == .exited(0), "\(arguments): \(result.errors)")
        return result.output.trimmingCharacters(in: .newlines)
    }
}

extension String {
    /// One JSON object a line.
    var objects: [[String: Any]] {
        split(separator: "\n").compactMap {
            (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any]
        }
    }
}
