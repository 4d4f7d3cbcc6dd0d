import Foundation
import Testing
import WrittenFiles

/// Checks Parquet files with pyarrow, DuckDB and Polars, many files in one process, since imports are slow.
enum ParquetChecker {
    /// A file to check; the fields are those of `Tests/Tools/verify_parquet.py`.
    struct Job: Encodable {
        var parquet: String
        var csv: String?
        var delimiter: String?
        var expected: ExpectedColumns?
        var types: [String: String]?
        var metadata: [String: String]?
    }

    struct Result: Decodable {
        var parquet: String
        var ok: Bool
        var problems: [String]
        var rows: Int
    }

    /// Runs the script over all jobs and records an issue for each file that is not right.
    static func check(_ jobs: [Job], in folder: URL, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try check(jobs: try JSONEncoder().encode(jobs), count: jobs.count, in: folder, sourceLocation: sourceLocation)
    }

    /// The same for a list of jobs that is JSON already.
    static func check(
        jobs: Data, count: Int, in folder: URL, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let python =
            ProcessInfo.processInfo.environment["SLUICE_PYTHON"] ?? root.appending(path: ".venv/bin/python").path
        let list = folder.appending(path: "jobs.json")
        try jobs.write(to: list)
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = [root.appending(path: "Tests/Tools/verify_parquet.py").path, list.path]
        let output = folder.appending(path: "results.jsonl")
        _ = FileManager.default.createFile(atPath: output.path, contents: nil)
        process.standardOutput = try FileHandle(forWritingTo: output)
        try process.run()
        process.waitUntilExit()
        let results = try String(contentsOf: output, encoding: .utf8).split(separator: "\n").map {
            try JSONDecoder().decode(Result.self, from: Data($0.utf8))
        }
        #expect(results.count == count, "the checker stopped early", sourceLocation: sourceLocation)
        for result in results where !result.ok {
            Issue.record(
                "\(result.parquet): \(result.problems.joined(separator: "; "))", sourceLocation: sourceLocation)
        }
    }
}

/// The values that a file must hold, column by column in order.
struct ExpectedColumns: Encodable {
    enum Value {
        case null
        case integer(Int64)
        case double(Double)
        case boolean(Bool)
        /// Also dates, times and decimals, in the words of the checker.
        case text(String)
    }

    var columns: [(name: String, values: [Value])] = []

    /// Encodes as a list of pairs, since objects do not keep the order of their keys.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        for column in columns {
            var pair = container.nestedUnkeyedContainer()
            try pair.encode(column.name)
            var list = pair.nestedUnkeyedContainer()
            for value in column.values {
                switch value {
                case .null: try list.encodeNil()
                case .integer(let value): try list.encode(value)
                case .boolean(let value): try list.encode(value)
                case .text(let value): try list.encode(value)
                case .double(let value):
                    if value.isNaN {
                        try list.encode("NaN")
                    } else if value.isInfinite {
                        try list.encode(value > 0 ? "Infinity" : "-Infinity")
                    } else {
                        try list.encode(value)
                    }
                }
            }
        }
    }
}

/// A folder that is removed when the test ends.
final class ScratchFolder {
    let url: URL
    private let test = Test.place

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "sluice-columnar-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        WrittenFiles.keep(below: url.path, of: test)
        try? FileManager.default.removeItem(at: url)
    }

    func path(_ name: String) -> String { url.appending(path: name).path }
}

/// Random numbers from a seed (SplitMix64), so that a failing file can be made again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
