import Foundation
import Testing

/// The Python with pyarrow, DuckDB and Polars that independent checks run in.
enum ReaderPython {
    /// `SLUICE_PYTHON`, or the virtual environment at the package's root.
    static var interpreter: String {
        if let path = ProcessInfo.processInfo.environment["SLUICE_PYTHON"] { return path }
        return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(".venv/bin/python").path
    }

    /// Runs a script of `Tests/Tools` and returns what it printed; a failure of the
    /// script is a failure of the test with the script's last words.
    @discardableResult
    static func run(script: String, _ arguments: [String]) throws -> String {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Tools/\(script)").path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: interpreter)
        process.arguments = [file] + arguments
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("reader-python-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let output = folder.appendingPathComponent("out")
        let errors = folder.appendingPathComponent("err")
        try Data().write(to: output)
        try Data().write(to: errors)
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        process.waitUntilExit()
        let printed = try String(contentsOf: output, encoding: .utf8)
        let complaint = try String(contentsOf: errors, encoding: .utf8)
        try #require(process.terminationStatus == 0, "\(script) failed: \(complaint.suffix(2000))")
        return printed
    }
}

/// A folder that goes with the test.
final class ReaderFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-reader-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }
}
