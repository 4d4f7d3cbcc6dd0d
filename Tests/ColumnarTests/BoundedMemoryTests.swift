import Columnar
import Foundation
import Testing

/// Files made to take memory, read where there is little: in a process of its own, whose address space is limited.
@Suite("Bounded memory", .timeLimit(.minutes(5)))
struct BoundedMemoryTests {
    /// Leaves `room` bytes of address space beyond what the process has. False under a sanitizer, which needs
    /// terabytes.
    private static func limit(_ room: Int) -> Bool {
        let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ").first
        let used = (pages.flatMap { Int($0) } ?? 0) * sysconf(Int32(_SC_PAGESIZE))
        guard used > 0, used < 64 << 30 else { return false }
        var limit = rlimit(rlim_cur: rlim_t(used + room), rlim_max: rlim_t(used + room))
        return setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0
    }

    /// A text that is made while it is read, and that nobody could hold: a beginning, and a unit again and again.
    private final class Endless: ByteSource {
        private let head: [UInt8]
        /// The unit as often as makes some kilobytes.
        private let block: [UInt8]
        private let total: Int
        private var position = 0

        init(_ head: String, _ unit: String, bytes: Int) {
            self.head = Array(head.utf8)
            let unit = Array(unit.utf8)
            block = Array((0..<max(1, 65_536 / unit.count)).map { _ in unit }.joined())
            total = bytes
        }

        func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int {
            guard position < total else { return 0 }
            let (source, start) =
                position < head.count ? (head, position) : (block, (position - head.count) % block.count)
            let count = min(buffer.count, source.count - start, total - position)
            source.withUnsafeBytes {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count]))
            }
            position += count
            return count
        }

        func rewind() throws(ColumnarError) { position = 0 }
    }

    /// Keeps nothing.
    private final class Nowhere: ByteSink {
        func write(_ bytes: UnsafeRawBufferPointer) throws(ColumnarError) {}
        func reset() throws(ColumnarError) {}
    }

    /// How a conversion ends: nil when it succeeds.
    private static func convert(_ source: any ByteSource, _ format: InputFormat) -> ColumnarError? {
        var options = ConversionOptions()
        options.format = format
        do throws(ColumnarError) {
            _ = try CSVConverter.convert(from: source, to: Nowhere(), options: options)
            return nil
        } catch {
            return error
        }
    }

    @Test("records without an end, endless fields, nesting and names: refused within 300 MB, with their place")
    func texts() async {
        await #expect(processExitsWith: .success) {
            guard Self.limit(300 << 20) else { return }
            let many = 200 << 20
            let hostile: [(String, Endless, InputFormat)] = [
                ("a quote never closed", Endless("a,b\n1,\"", "x\n", bytes: many), .csv),
                ("a field without end", Endless("a,b\n1,", "x", bytes: many), .csv),
                ("a header without end", Endless("a", ",b", bytes: many), .csv),
                ("a record without end", Endless("{\"a\":\"", "x", bytes: many), .ndjson),
                ("lists in lists", Endless("{\"a\":", "[", bytes: many), .ndjson),
                ("a list without end", Endless("{\"a\":[1", ",1", bytes: many), .ndjson),
                ("a list of lists", Endless("[{\"a\":[[1]", ",[1,2]", bytes: many), .json),
            ]
            for (name, source, format) in hostile {
                let error = Self.convert(source, format)
                precondition(error != nil && error?.namesPlace == true, "\(name): \(String(describing: error))")
            }
            // Many records are no burden, however wide the values.
            let long = Endless("a,b\n", String(repeating: "y", count: 60_000) + ",1\n", bytes: 1 + 60_003 * 700 + 3)
            precondition(Self.convert(long, .csv) == nil, "many long values")
        }
    }

    @Test("long texts that compress well: their pages' bounds are no burden, however many there are")
    func bounds() async {
        await #expect(processExitsWith: .success) {
            guard Self.limit(300 << 20) else { return }
            // A page each; whole, the bounds of all would be 500 MB, and the pages are 12 MB.
            let rows = 200
            let text = String(repeating: "a long text ", count: 100_000)
            let source = Endless("a,b\n", text + ",1\n", bytes: 4 + (text.utf8.count + 3) * rows)
            precondition(Self.convert(source, .csv) == nil, "many long texts")
        }
    }

    @Test("damaged Parquet files: errors or values within 300 MB")
    func parquet() async {
        await #expect(processExitsWith: .success) {
            var options = ConversionOptions()
            options.parquet.pageRows = 50
            let sink = MemorySink()
            let text = "n,s,d\n" + (0..<400).map { "\($0),w\($0 % 7),\($0).5\n" }.joined()
            _ = try CSVConverter.convert(from: MemorySource(text), to: sink, options: options)
            let original = sink.bytes
            guard Self.limit(300 << 20) else { return }
            var limits = ParquetLimits()
            (limits.openBytes, limits.pageBytes, limits.footerMemory) = (64 << 20, 64 << 20, 64 << 20)
            var random = SeededGenerator(seed: 12)
            var failures = 0
            for round in 0..<3000 {
                var bytes = original
                // Headers and footer: where sizes and counts stand.
                for _ in 0...round % 3 {
                    let at = Int.random(in: 4..<bytes.count - 8, using: &random)
                    bytes[at] =
                        [0x7F, 0xFF, 0x80, UInt8.random(in: 0...255, using: &random)].randomElement(using: &random) ?? 0
                }
                do throws(ColumnarError) {
                    var rows = try ParquetFile(ParquetMemoryInput(bytes), limits: limits).rows()
                    var count = 0
                    while count < 1000, try rows.next() != nil { count += 1 }
                } catch {
                    failures += 1
                    precondition(error.namesPlace, "\(error)")
                }
            }
            precondition(failures > 500, "\(failures)")
        }
    }
}
