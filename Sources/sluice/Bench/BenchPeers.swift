import CLinux
import Columnar
import Glibc

/// pyarrow, DuckDB and Polars, which convert the files that `sluice bench columnar` converts. Each conversion is a
/// process of its own, and the clock runs from after the imports to the end of the file.
struct BenchPeers {
    /// A Python that has them.
    var python: String
    var folder: String

    /// Conversions of a CSV file with types and dates inferred, Snappy, each into a new file. Who is missing is left
    /// out.
    func convert(_ input: String, threads: Int) -> [ColumnarBench.Peer] {
        let output = "\(folder)/sluice-bench-\(getpid())-peer.parquet"
        return Self.names.compactMap { name in
            defer { unlink(output) }
            let printed = try? Subprocess.output([python, "-c", Self.conversion, name, "\(threads)", input, output])
            var status = stat()
            guard let printed, let seconds = Double(printed.filter { !$0.isWhitespace }), stat(output, &status) == 0
            else { return nil }
            return ColumnarBench.Peer(name: name, seconds: seconds, outputBytes: Int64(status.st_size))
        }
    }

    /// Seconds that pyarrow takes for a file on one thread, the second time it reads it; nil where it is missing.
    func read(_ path: String) -> Double? {
        let printed = try? Subprocess.output([python, "-c", Self.reading, path])
        return printed.flatMap { Double($0.filter { !$0.isWhitespace }) }
    }

    static func keepToOneCore(_ isKept: Bool) {
        if isKept { _ = clinux_stay_on_one_core() } else { clinux_use_all_cores() }
    }

    /// pyarrow in portions, as Sluice does it, and by way of a table in memory.
    private static let names = ["duckdb", "polars", "pyarrow", "pyarrow_table"]

    /// A single thread has one core, whatever the library does beside.
    private static let conversion = """
        import os, sys, time
        peer, threads, source, target = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
        os.environ["POLARS_MAX_THREADS"] = str(threads)
        if threads == 1:
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        if peer == "pyarrow":
            import pyarrow, pyarrow.csv, pyarrow.parquet
            pyarrow.set_cpu_count(threads)
            start = time.perf_counter()
            reader = pyarrow.csv.open_csv(
                source, pyarrow.csv.ReadOptions(use_threads=threads > 1, block_size=8 << 20),
                pyarrow.csv.ParseOptions(newlines_in_values=True))
            with pyarrow.parquet.ParquetWriter(target, reader.schema, compression="snappy") as writer:
                held, rows = [], 0
                for batch in reader:
                    held.append(batch)
                    rows += batch.num_rows
                    if rows >= 1_000_000:
                        writer.write_table(pyarrow.Table.from_batches(held), row_group_size=rows)
                        held, rows = [], 0
                if held:
                    writer.write_table(pyarrow.Table.from_batches(held), row_group_size=rows)
        elif peer == "pyarrow_table":
            import pyarrow, pyarrow.csv, pyarrow.parquet
            pyarrow.set_cpu_count(threads)
            start = time.perf_counter()
            table = pyarrow.csv.read_csv(
                source, pyarrow.csv.ReadOptions(use_threads=threads > 1),
                pyarrow.csv.ParseOptions(newlines_in_values=True))
            pyarrow.parquet.write_table(table, target, compression="snappy")
        elif peer == "duckdb":
            import duckdb
            start = time.perf_counter()
            database = duckdb.connect(config={"threads": threads})
            database.execute("SET enable_progress_bar = false")
            database.execute(
                f"COPY (SELECT * FROM read_csv('{source}')) TO '{target}' (FORMAT parquet, COMPRESSION snappy)")
        else:
            import polars
            start = time.perf_counter()
            polars.scan_csv(source, try_parse_dates=True).sink_parquet(target, compression="snappy")
        print(time.perf_counter() - start)
        """

    private static let reading = """
        import sys, time, pyarrow, pyarrow.parquet as parquet
        pyarrow.set_cpu_count(1)
        parquet.read_table(sys.argv[1], use_threads=False)
        start = time.perf_counter()
        parquet.read_table(sys.argv[1], use_threads=False)
        print(time.perf_counter() - start)
        """
}
