import Columnar
import Foundation
import Testing

@Suite("Columnar bench", .timeLimit(.minutes(5)))
struct ConvertBenchTests {
    @Test("measures each data set, leaves nothing behind")
    func figures() throws {
        let folder = try ScratchFolder()
        var bench = ColumnarBench(folder: folder.url.path)
        (bench.orderRows, bench.wideRows, bench.uniqueRows, bench.recordRows) = (3000, 50, 500, 900)
        bench.repetitions = 1
        let figures = try bench.run()
        #expect(Set(figures.map(\.dataset)) == ["orders", "wide", "unique", "ndjson"])
        for metric in ["megabytes_per_second", "screened_megabytes_per_second", "output_share", "peak_resident_mb"] {
            #expect(figures.filter { $0.metric == metric && $0.value > 0 }.count >= 3, "\(metric)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    }

    @Test("the best peer is the fastest of those that run, whatever its name")
    func best() throws {
        let folder = try ScratchFolder()
        var bench = ColumnarBench(folder: folder.url.path)
        (bench.orderRows, bench.wideRows, bench.uniqueRows, bench.recordRows) = (3000, 0, 0, 0)
        (bench.repetitions, bench.threads) = (1, [1])
        bench.peerConvert = { _, _ in
            [("duckdb", 4.0), ("pyarrow", 3.0), ("pyarrow_table", 1.0)].map {
                ColumnarBench.Peer(name: $0, seconds: $1, outputBytes: 1)
            }
        }
        let figures = Dictionary(uniqueKeysWithValues: try bench.run().map { ($0.metric, $0.value) })
        let best = try #require(figures["times_as_fast_as_the_best"])
        #expect(best == figures["times_as_fast_as_pyarrow_table"])
        #expect(try best < #require(figures["times_as_fast_as_pyarrow"]))
    }

    @Test("errors and results are the same on one thread and on two")
    func threads() throws {
        let text = "a,b,c\n" + (0..<20_000).map { "\($0),\($0 % 7).5,word\($0 % 50)\n" }.joined()
        var options = ConversionOptions()
        options.csv.batchBytes = 4096
        options.parquet.rowGroupRows = 3000
        var files: [[UInt8]] = []
        for threads in 1...2 {
            options.threads = threads
            let sink = MemorySink()
            let report = try CSVConverter.convert(from: MemorySource(text), to: sink, options: options)
            #expect(report.rows == 20_000)
            #expect(report.rowGroups == 7)
            files.append(sink.bytes)
            let ragged = columnarError { try convert(text + "1,2\n", options) }
            #expect(ragged?.code == .malformedRow)
            #expect(ragged?.row == 20_001)
            options.schema = [ColumnSchema(name: "a", type: .bigint), ColumnSchema(name: "b", type: .bigint)]
            let misfit = columnarError { try convert(text + "1,2\n", options) }
            #expect(misfit?.code == .schemaMismatch)
            #expect(misfit?.row == 1)
            options.schema = nil
            let widened = try convert(text + "x,1,2\n", options)
            #expect(widened.widenedColumns == ["a"])
        }
        #expect(files[0] == files[1])
    }
}
