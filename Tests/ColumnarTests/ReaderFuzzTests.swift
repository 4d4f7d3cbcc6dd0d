import Columnar
import Foundation
import Testing

/// Damaged files: an error that names the place, never a crash and never memory without bound.
@Suite("Parquet reader: damaged files", .timeLimit(.minutes(15)))
struct ReaderFuzzTests {
    /// A small generator of the same numbers on every machine (SplitMix64).
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
            return value ^ value >> 31
        }
    }

    /// Reads everything that can be read, and says how it ended.
    private func read(_ bytes: [UInt8]) -> ColumnarError? {
        do throws(ColumnarError) {
            var limits = ParquetLimits()
            limits.pageBytes = 8 << 20
            limits.valuesPerRow = 10_000
            let file = try ParquetFile(ParquetMemoryInput(bytes), limits: limits)
            _ = file.schema.description
            // A damaged count may claim milliards of rows: they need no memory, only patience.
            var rows = file.rows()
            var count = 0
            while count < 2_000, let row = try rows.next() {
                count += 1
                if count % 50 == 0 { _ = row.map(\.json) }
            }
            for group in file.rowGroups {
                for chunk in group.columns { _ = chunk.minimum?.json }
            }
            // As text and merged, where damage does not make it endless.
            if file.rowCount < 2_000 {
                try ParquetTextWriter.write(file, to: MemorySink())
                _ = try ParquetMerger.merge([ParquetMergeInput(name: "damaged", file: file)], to: NoOutput())
            }
            return nil
        } catch {
            return error
        }
    }

    /// Keeps nothing.
    private final class NoOutput: PartitionedOutput {
        // Not kept for other readers: what is merged from damaged files is damaged.
        func begin(_ file: PartitionFile) throws(ColumnarError) -> any ByteSink { Columnar.MemorySink() }
        func complete(_ file: PartitionFile) throws(ColumnarError) {}
        func reset() throws(ColumnarError) {}
    }

    private static let files = [
        "flat_none", "flat_snappy", "flat_zstd", "flat_gzip", "flat_lz4", "int96", "delta", "delta_bytes", "split",
        "nested", "duckdb", "polars",
    ]

    @Test("Bits flipped, bytes overwritten, pieces cut out: errors, no crash", arguments: files)
    func damaged(name: String) throws {
        let folder = try ReaderFolder()
        try ReaderPython.run(script: "reader_fuzz.py", [folder.url.path, name])
        damage(Array(try Data(contentsOf: folder.url.appendingPathComponent("\(name).parquet"))), name, rounds: 1_500)
    }

    private static let own = ["snappy", "zstd", "newest", "legacy"]

    @Test("The same of what our own writer makes of nested records", arguments: own)
    func ownNested(name: String) throws {
        var options = ConversionOptions()
        options.format = .ndjson
        options.parquet.pageRows = 100
        options.parquet.rowGroupRows = 400
        switch name {
        case "zstd": options.parquet.compression = .zstd(level: 1)
        case "newest": options.parquet.compatibility = .newest
        case "legacy": options.parquet.compatibility = .legacy
        default: break
        }
        let sink = MemorySink()
        var (seed, hasNested) = (8100 + UInt64(name.utf8.count), false)
        while !hasNested {
            try sink.reset()
            let text = RandomJSON.make(seed: seed, form: "ndjson")
            seed += 1
            // Records without any field make no table.
            guard text.contains(":") else { continue }
            let report = try CSVConverter.convert(from: MemorySource(text), to: sink, options: options)
            hasNested = report.rows > 20 && report.columns.contains { "\($0.type)".contains("<") }
        }
        damage(sink.bytes, name, rounds: 800)
        // Cut off anywhere, it is refused.
        for length in stride(from: 0, to: sink.bytes.count, by: 101) {
            #expect(read(Array(sink.bytes.prefix(length))) != nil, "\(length) of \(sink.bytes.count) bytes")
        }
    }

    /// Damages a file in many ways and reads what is left.
    private func damage(_ original: [UInt8], _ name: String, rounds: Int) {
        #expect(read(original) == nil)
        let seed = 0x51C1CE + UInt64(name.utf8.reduce(0) { Int($0) &* 31 &+ Int($1) }.magnitude)
        FuzzBudget(parts: Self.files.count + Self.own.count).repeated { damage(original, seed &+ $0, rounds) }
    }

    private func damage(_ original: [UInt8], _ seed: UInt64, _ rounds: Int) {
        var generator = Seeded(state: seed)
        var failures = 0
        for round in 0..<rounds {
            var bytes = original
            switch round % 5 {
            case 0: bytes.removeLast(Int.random(in: 1..<bytes.count, using: &generator))
            case 1:
                let start = Int.random(in: 0..<bytes.count - 16, using: &generator)
                bytes.removeSubrange(start..<start + Int.random(in: 1...16, using: &generator))
            case 2:
                // The footer is where counts, sizes and offsets are.
                let start = max(0, bytes.count - 2000)
                let at = Int.random(in: start..<bytes.count - 8, using: &generator)
                bytes[at] = UInt8.random(in: .min ... .max, using: &generator)
            case 3:
                for _ in 0..<8 {
                    let at = Int.random(in: 4..<bytes.count - 8, using: &generator)
                    bytes[at] = [0, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
                }
            default:
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            }
            if let error = read(bytes) {
                failures += 1
                #expect(!error.message.isEmpty && error.namesPlace, "seed \(seed): \(error)")
            }
        }
        // Damage within stored texts and numbers goes unnoticed without checksums; most of it must not.
        #expect(failures > rounds / 3, "\(failures) of \(rounds)")
    }

    @Test("With page checksums, every flipped bit within a page is noticed")
    func checksums() throws {
        let folder = try ReaderFolder()
        try ReaderPython.run(script: "reader_fuzz.py", [folder.url.path, "checksum"])
        let original = Array(try Data(contentsOf: folder.url.appendingPathComponent("checksum.parquet")))
        let file = try ParquetFile(ParquetMemoryInput(original))
        #expect(read(original) == nil)
        let data = 4..<4 + Int(file.rowGroups[0].columns.reduce(0) { $0 + $1.compressedBytes })
        var generator = Seeded(state: 7)
        for _ in 0..<500 {
            var bytes = original
            // Behind the header of the last page, which holds most of the chunk.
            let at = Int.random(in: data.upperBound - 1500..<data.upperBound, using: &generator)
            bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            let error = try #require(read(bytes), "byte \(at)")
            #expect(error.code == .corruptFile)
            #expect(error.column == "text")
        }
    }

    @Test("A cut file is refused at every length")
    func cut() throws {
        let folder = try ReaderFolder()
        try ReaderPython.run(script: "reader_fuzz.py", [folder.url.path, "flat_snappy"])
        let original = Array(try Data(contentsOf: folder.url.appendingPathComponent("flat_snappy.parquet")))
        for length in stride(from: 0, to: original.count, by: 37) {
            let error = read(Array(original.prefix(length)))
            #expect(error?.byteOffset != nil, "\(length) of \(original.count) bytes: \(String(describing: error))")
        }
    }
}
