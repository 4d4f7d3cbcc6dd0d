import Foundation

/// The independent readers of Parquet: pyarrow, DuckDB and Polars, by way of Python.
enum ParquetReaders {
    static var python: String {
        ProcessInfo.processInfo.environment["SLUICE_PYTHON"] ?? TestApp.packageRoot + "/.venv/bin/python"
    }

    struct Failure: Error {
        var description: String
    }

    /// What each of the three says of all Parquet files below a folder: rows and the sum of `column`.
    static func rowsAndSum(_ folder: String, _ column: String) async throws -> [String] {
        let script = """
            import sys, glob
            folder, column = sys.argv[1:]
            files = sorted(glob.glob(folder + "/**/*.parquet", recursive=True))
            import pyarrow.parquet, pyarrow.compute, duckdb, polars
            table = pyarrow.parquet.read_table(files)
            print(table.num_rows, pyarrow.compute.sum(table[column]).as_py() if table.num_rows else 0)
            total = f'coalesce(sum("{column}"), 0)' if table.num_rows else "0"
            print(*duckdb.sql(f'select count(*), {total} from read_parquet({files})').fetchall()[0])
            frame = polars.read_parquet(files)
            print(frame.height, frame[column].sum() if frame.height else 0)
            """
        return try await lines(["-c", script, folder, column])
    }

    /// Compares Parquet files with their CSV sources, value by value, in all three; the complaints.
    static func complaints(_ pairs: [(parquet: String, csv: String)]) async throws -> [String] {
        let jobs = temporaryFolder("jobs") + "/jobs.json"
        defer { try? FileManager.default.removeItem(atPath: (jobs as NSString).deletingLastPathComponent) }
        try JSONEncoder().encode(pairs.map { ["parquet": $0.parquet, "csv": $0.csv] }).write(to: URL(filePath: jobs))
        let result = try await run(python, [TestApp.packageRoot + "/Tests/Tools/verify_parquet.py", jobs])
        let found = result.output.split(separator: "\n").map(String.init)
        guard found.count == pairs.count else { return ["\(result)"] }
        return found.filter { !$0.contains("\"ok\": true") }
    }

    /// What a script prints, line by line.
    static func lines(_ arguments: [String]) async throws -> [String] {
        let result = try await run(python, arguments)
        guard result.ending == .exited(0) else { throw Failure(description: "\(result)") }
        return result.output.split(separator: "\n").map(String.init)
    }
}
