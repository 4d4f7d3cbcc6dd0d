import Columnar
import Foundation
import Testing

/// Profiles beside what DuckDB says of the same files.
@Suite("Quality profile", .timeLimit(.minutes(5)))
struct QualityProfileTests {
    private struct Reference: Decodable {
        var name: String
        var rows: Int64
        var nulls: Int64
        var distinct: Int64
        var min: String?
        var max: String?
        var mean: Double?
        var deviation: Double?
        var lengths: [Double]?
    }

    private func profile(
        _ source: any ByteSource, threads: Int = 1, _ change: (inout ConversionOptions) -> Void = { _ in }
    ) throws -> FileProfile {
        var options = ConversionOptions()
        options.profile = 5
        options.threads = threads
        change(&options)
        return try #require(try CSVConverter.convert(from: source, to: DiscardSink(), options: options).profile)
    }

    @Test(
        "A file of every type agrees with DuckDB, on one thread and on two, in row groups of any size",
        arguments: [1, 2])
    func duckdb(seed: Int) throws {
        let folder = try ScratchFolder()
        try ReaderPython.run(script: "quality_profile.py", ["make", folder.url.path, "\(seed)"])
        let lines = try ReaderPython.run(script: "quality_profile.py", ["profile", folder.path("data.csv")])
        let expected = try lines.split(separator: "\n").map {
            try JSONDecoder().decode(Reference.self, from: Data($0.utf8))
        }
        for (threads, rowGroupRows) in [(1, 1_000_000), (2, 7000)] {
            let found = try profile(FileSource(path: folder.path("data.csv")), threads: threads) {
                $0.parquet.rowGroupRows = rowGroupRows
            }
            #expect(found.rows == 30_000 && found.columns.count == expected.count)
            for (column, reference) in zip(found.columns, expected) {
                let place = Comment(rawValue: "\(column)")
                #expect(column.name == reference.name && column.rows == reference.rows, place)
                #expect(column.nulls == reference.nulls, place)
                if column.distinct.isExact {
                    #expect(column.distinct.count == reference.distinct, place)
                } else {
                    let error = Double(column.distinct.count) / Double(reference.distinct) - 1
                    #expect(abs(error) < 0.04, place)
                }
                if column.name != "flag" {
                    #expect(column.minimum == reference.min && column.maximum == reference.max, place)
                }
                if let mean = reference.mean, let deviation = reference.deviation {
                    #expect(abs((column.mean ?? .nan) - mean) < 1e-9 * deviation, place)
                    #expect(abs((column.standardDeviation ?? .nan) - deviation) < 1e-9 * deviation, place)
                }
                if let lengths = reference.lengths {
                    let found = try #require(column.lengths)
                    #expect(Double(found.minimum) == lengths[0] && Double(found.maximum) == lengths[1], place)
                    #expect(abs(found.mean - lengths[2]) < 1e-9, place)
                }
            }
            let code = try #require(found.columns.first { $0.name == "code" })
            #expect(code.top.map(\.value).prefix(3) == ["1", "2", "3"])
            #expect(code.top.map(\.count) == code.top.map(\.count).sorted(by: >))
            // Almost all values of these differ: an estimate, within five times its error.
            #expect(found.columns.filter { !$0.distinct.isExact }.map(\.name).contains("sha"))
        }
    }

    @Test("Decimals of more than 18 digits have a mean and a deviation")
    func wideDecimals() throws {
        let text = "d\n" + (1...1000).map { "\($0)0000000000000000000.25\n" }.joined()
        let column = try profile(MemorySource(text)).columns[0]
        #expect(column.type == "decimal(25,2)" || column.type.hasPrefix("decimal("), "\(column.type)")
        let (mean, deviation) = (try #require(column.mean), try #require(column.standardDeviation))
        #expect(abs(mean / 5005e18 - 1) < 1e-12, "\(mean)")
        #expect(abs(deviation / (10e18 * (999_999.0 / 12).squareRoot()) - 1) < 1e-9, "\(deviation)")
    }

    @Test("Odd values: NaN, infinities, zeros of both signs, decimals, open columns, nothing at all")
    func odd() throws {
        let text = "a,b,c,d,e\n1.5,NaN,0.0,9999999999999999999,\n,inf,-0.0,-1,\n-2.5,NaN,0.0,3,\n"
        let columns = try profile(MemorySource(text)).columns
        #expect(columns.map(\.distinct.count) == [2, 2, 1, 3, 0])
        #expect(columns[0].mean == -0.5 && columns[1].mean == nil)
        #expect(columns[2].minimum == "0.0" && columns[2].maximum == "0.0")
        #expect(columns[3].type.hasPrefix("decimal") && columns[3].minimum == "-1")
        #expect(columns[3].maximum == "9999999999999999999")
        #expect(columns[3].top.map(\.value) == ["9999999999999999999", "-1", "3"])
        #expect(columns[4].nulls == 3 && columns[4].minimum == nil && columns[4].lengths == nil)
        let late = "a,b\n" + String(repeating: ",x\n", count: 3000) + "7,y\n8,y\n"
        let open = try profile(MemorySource(late)) { $0.csv.batchBytes = 1024 }.columns
        #expect(open[0].type == "bigint" && open[0].nulls == 3000 && open[0].distinct.count == 2)
        #expect(open[1].top == [.init(value: "x", count: 3000), .init(value: "y", count: 2)])
        #expect(try profile(MemorySource("a,b\n")).columns.map(\.rows) == [0, 0])
    }

    @Test("What a late value widens is profiled from the start; rejected rows are not in it")
    func widened() throws {
        let text = "a,b\n" + (0..<2000).map { "\($0),x\n" }.joined() + "12.5,y\nmalformed\n"
        let found = try profile(MemorySource(text)) {
            $0.csv.batchBytes = 1024
            $0.csv.badRecords = .reject
        }
        #expect(found.rows == 2001 && found.columns[0].type == "double")
        #expect(found.columns[0].distinct.count == 2001 && found.columns[0].maximum == "1999.0")
    }

    @Test("Estimates of many distinct values stay within four times their error; frequent ones stand out")
    func sketch() throws {
        var generator = SeededGenerator(seed: 5)
        for distinct in [60_000] {
            var text = "a,b\n"
            for index in 0..<distinct {
                text += "\(index &* 7919),\(UInt64.random(in: .min ... .max, using: &generator))x\n"
                if index % 4 == 0 { text += "42,often\n" }
            }
            let columns = try profile(MemorySource(text)).columns
            for column in columns {
                #expect(!column.distinct.isExact)
                #expect(abs(Double(column.distinct.count) / Double(distinct) - 1) < 0.033, "\(column.distinct)")
            }
            #expect(columns[0].top.first?.value == "42" && columns[1].top.map(\.value) == ["often"])
            let share = Double(columns[1].top.first?.count ?? 0) / Double(distinct / 4)
            #expect((0.8...1.2).contains(share))
        }
    }

    @Test("Estimates are not biased, whatever the values are like")
    func bias() throws {
        let kinds: [(String, (Int) -> String)] = [
            ("ascending", { "\($0)" }), ("thousands", { "\($0 * 1000)" }), ("halves", { "\(Double($0) / 2)" }),
            ("fractions", { "\(Double($0) / 1000)" }), ("powers", { "\(Double($0) * 0x1p40)" }),
            ("seconds", { "2024-01-\(10 + $0 / 86_400) \(Self.clock($0 % 86_400))" }),
            ("short texts", { "a\($0)" }), ("texts", { "customer number \($0)" }),
            ("tails", { "\($0) is an identifier" }),
            ("long texts", { "\(String(repeating: "x", count: 40))\($0)\(String(repeating: "y", count: 40))" }),
        ]
        let distinct = 20_000
        for first in stride(from: 0, to: kinds.count, by: 5) {
            let part = kinds[first..<first + 5]
            let names = part.map(\.0).joined(separator: ",")
            let rows = (0..<distinct).map { row in part.map { $0.1(row) }.joined(separator: ",") + "\n" }
            let text = names + "\n" + rows.joined()
            for column in try profile(MemorySource(text)).columns {
                #expect(!column.distinct.isExact)
                let error = Double(column.distinct.count) / Double(distinct) - 1
                #expect(abs(error) < 0.033, "\(column.name): \(error)")
            }
        }
    }

    private static func clock(_ second: Int) -> String {
        [second / 3600, second / 60 % 60, second % 60].map { String(String($0 + 100).dropFirst()) }.joined(
            separator: ":")
    }

    @Test("Personal data is recognised by its form, and hidden from what is stored")
    func personal() throws {
        var text = "id,mail,card,note\n"
        for index in 0..<200 {
            text += "\(index),user\(index)@example.org,\(index % 2 == 0 ? "4111111111111111" : "5105105105105100"),n\n"
        }
        let found = try profile(MemorySource(text))
        #expect(found.columns[1].lookalikes == [.init(kind: .email, share: 1)])
        #expect(found.columns[2].type == "bigint" && found.columns[2].lookalikes == [.init(kind: .card, share: 1)])
        #expect(found.columns[0].lookalikes.isEmpty && found.columns[3].lookalikes.isEmpty)
        #expect(found.columns[2].top.first?.value == "4111111111111111")
        let hidden = found.withoutPersonalData
        #expect(hidden.columns[2].top.isEmpty && hidden.columns[2].minimum == nil)
        #expect(hidden.columns[2].hidesValues == true && hidden.columns[0] == found.columns[0])
        let again = try JSONDecoder().decode(FileProfile.self, from: JSONEncoder().encode(hidden))
        #expect(again == hidden)
        #expect(throws: ColumnarError.self) {
            var options = ConversionOptions()
            options.profile = 1
            let folder = try ScratchFolder()
            _ = try CSVConverter.convert(
                from: MemorySource(text), to: FolderOutput(path: folder.path("out")),
                partitionedBy: Partitioning(parsing: "note"), options: options)
        }
    }
}
