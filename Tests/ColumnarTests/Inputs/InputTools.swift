import Columnar
import Foundation
import Testing

/// Runs `Tests/Tools/make_inputs.py`, which makes input files with encoders that are not ours.
enum InputTools {
    static func run(_ arguments: [String]) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let process = Process()
        process.executableURL = URL(
            filePath: ProcessInfo.processInfo.environment["SLUICE_PYTHON"]
                ?? root.appending(path: ".venv/bin/python").path)
        process.arguments = [root.appending(path: "Tests/Tools/make_inputs.py").path] + arguments
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "make_inputs.py failed")
    }

    /// The files of `make_inputs.py archives`, by name.
    static func archives() throws -> [String: [UInt8]] {
        let folder = try ScratchFolder()
        try run(["archives", folder.url.path])
        var files: [String: [UInt8]] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.url.path) {
            files[name] = Array(try Data(contentsOf: folder.url.appending(path: name)))
        }
        return files
    }
}
