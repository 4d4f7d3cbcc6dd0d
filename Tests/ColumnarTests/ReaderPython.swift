import Foundation
import Testing
import WrittenFiles

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
        let result = try end(script, arguments)
        try #require(result.status == 0, "\(script) failed: \(result.complaint.suffix(2000))")
        return result.printed
    }

    /// What a script printed that failed; nil where it did not.
    static func complaint(script: String, _ arguments: [String]) throws -> String? {
        let result = try end(script, arguments)
        return result.status == 0 ? nil : result.printed + result.complaint
    }

    private static func end(
        _ script: String, _ arguments: [String]
    ) throws -> (status: Int32, printed: String, complaint: String) {
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
        return (process.terminationStatus, printed, try String(contentsOf: errors, encoding: .utf8))
    }
}

/// A folder that goes with the test.
final class ReaderFolder {
    let url: URL
    private let test = Test.place

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-reader-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        WrittenFiles.keep(below: url.path, of: test)
        try? FileManager.default.removeItem(at: url)
    }
}
