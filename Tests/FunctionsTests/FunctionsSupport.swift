import Foundation
import FunctionKit
import FunctionTesting
import Testing

/// Real input, and the independent readers of Parquet.
enum FunctionsSupport {
    static var root: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }

    private static var python: String {
        ProcessInfo.processInfo.environment["SLUICE_PYTHON"] ?? root.appending(path: ".venv/bin/python").path
    }

    /// A CSV file of the vega_datasets package, such as `seattle-weather.csv`.
    static func vega(_ name: String) throws -> [UInt8] {
        let folder = try run(["-c", "import os, vega_datasets; print(os.path.dirname(vega_datasets.__file__))"])
        let path = folder.trimmingCharacters(in: .whitespacesAndNewlines) + "/_data/" + name
        return Array(try Data(contentsOf: URL(filePath: path)))
    }

    /// The 25 names and numbers of the main scenario: the sum of `favorite_num` is 364.
    static let favorites: String = {
        let numbers = [22, 28, 23, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 60]
        return "Name,favorite_num\n" + numbers.enumerated().map { "Person \($0.offset),\($0.element)\n" }.joined()
    }()

    /// Compares a Parquet file with its CSV source, by way of pyarrow, DuckDB and Polars.
    static func verify(parquet: [UInt8], csv: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) throws {
        try inFolder { folder in
            try Data(parquet).write(to: folder.appending(path: "out.parquet"))
            try Data(csv).write(to: folder.appending(path: "in.csv"))
            let job = [
                [
                    "parquet": folder.appending(path: "out.parquet").path, "csv": folder.appending(path: "in.csv").path,
                ]
            ]
            let list = folder.appending(path: "jobs.json")
            try JSONEncoder().encode(job).write(to: list)
            let printed = try run(
                [root.appending(path: "Tests/Tools/verify_parquet.py").path, list.path], mayFail: true)
            #expect(printed.contains("\"ok\": true"), "\(printed)", sourceLocation: sourceLocation)
        }
    }

    /// What DuckDB answers to a query over files of a host, which are `a.parquet`, `b.parquet`, … in the folder that
    /// `$FOLDER` stands for.
    static func duckdb(_ query: String, files: [[UInt8]]) throws -> String {
        try inFolder { folder in
            for (file, letter) in zip(files, "abcdefgh") {
                try Data(file).write(to: folder.appending(path: "\(letter).parquet"))
            }
            let text = query.replacingOccurrences(of: "$FOLDER", with: folder.path)
            return try run([
                "-c",
                "import duckdb, sys; duckdb.execute(\"SET TimeZone='UTC'\"); print(duckdb.sql(sys.argv[1]).fetchall())",
                text,
            ]).trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    private static func inFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sluice-functions-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder)
    }

    private static func run(_ arguments: [String], mayFail: Bool = false) throws -> String {
        try inFolder { folder in
            let process = Process()
            process.executableURL = URL(filePath: python)
            process.arguments = arguments
            let (output, errors) = (folder.appending(path: "out"), folder.appending(path: "err"))
            try Data().write(to: output)
            try Data().write(to: errors)
            process.standardOutput = try FileHandle(forWritingTo: output)
            process.standardError = try FileHandle(forWritingTo: errors)
            try process.run()
            process.waitUntilExit()
            let complaint = try String(contentsOf: errors, encoding: .utf8)
            try #require(mayFail || process.terminationStatus == 0, "\(arguments): \(complaint.suffix(2000))")
            return try String(contentsOf: output, encoding: .utf8)
        }
    }
}
