import Columnar
import Foundation
import Testing

/// What becomes of conversions that the system gives no more memory: an error, and the process goes on.
@Suite("Out of memory", .timeLimit(.minutes(5)))
struct OutOfMemoryTests {
    /// Leaves `room` bytes of address space beyond what the process has; false under a sanitizer, which needs
    /// terabytes.
    private static func limit(_ room: Int) -> Bool {
        let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ").first
        let used = (pages.flatMap { Int($0) } ?? 0) * sysconf(Int32(_SC_PAGESIZE))
        guard used > 0, used < 64 << 30 else { return false }
        var limit = rlimit(rlim_cur: rlim_t(used + room), rlim_max: rlim_t.max)
        return setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0
    }

    /// Rows of texts that do not repeat, made while they are read.
    private final class Unique: ByteSource {
        private let rows: Int
        private var row = -1
        private var left: ArraySlice<UInt8> = []
        private var random = SeededGenerator(seed: 1)

        init(rows: Int) { self.rows = rows }

        func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int {
            var count = 0
            while count < buffer.count {
                if left.isEmpty {
                    guard row < rows else { break }
                    let words = (0..<32).map { _ in String(random.next(), radix: 16) }
                    left = row < 0 ? ArraySlice("n,text\n".utf8) : ArraySlice("\(row),\(words.joined())\n".utf8)
                    row += 1
                }
                let part = min(buffer.count - count, left.count)
                UnsafeMutableRawBufferPointer(rebasing: buffer[count..<count + part]).copyBytes(from: left.prefix(part))
                left = left.dropFirst(part)
                count += part
            }
            return count
        }

        func rewind() throws(ColumnarError) { (row, left, random) = (-1, [], SeededGenerator(seed: 1)) }
    }

    private final class Nowhere: ByteSink {
        func write(_ bytes: UnsafeRawBufferPointer) throws(ColumnarError) {}
        func reset() throws(ColumnarError) {}
    }

    private static func convert(rows: Int, threads: Int, rowGroupBytes: Int) -> ColumnarError? {
        var options = ConversionOptions()
        options.threads = threads
        (options.parquet.compression, options.parquet.rowGroupBytes) = (.none, rowGroupBytes)
        do throws(ColumnarError) {
            _ = try CSVConverter.convert(from: Unique(rows: rows), to: Nowhere(), options: options)
            return nil
        } catch {
            return error
        }
    }

    @Test("a row group larger than memory is an error, on one thread and on two, and the next conversion succeeds")
    func rowGroups() async {
        await #expect(processExitsWith: .success) {
            // Threads bring memory of their own, once.
            precondition(Self.convert(rows: 100, threads: 2, rowGroupBytes: 4 << 30) == nil)
            guard Self.limit(144 << 20) else { return }
            for threads in 1...2 {
                let error = Self.convert(rows: 500_000, threads: threads, rowGroupBytes: 4 << 30)
                precondition(error?.code == .outOfMemory, "\(threads): \(String(describing: error))")
                precondition(error?.message.contains("smaller row groups") == true)
                // With row groups that fit, ten times what did not is no burden.
                precondition(Self.convert(rows: 100_000, threads: threads, rowGroupBytes: 8 << 20) == nil)
            }
        }
    }

    @Test("a record that no batch can grow to is an error")
    func records() async {
        await #expect(processExitsWith: .success) {
            let long = "a,b\n1," + String(repeating: "x", count: 12 << 20) + "\n"
            let source = MemorySource(long)
            guard Self.limit(60 << 20) else { return }
            do throws(ColumnarError) {
                _ = try CSVConverter.convert(from: source, to: Nowhere())
                preconditionFailure("converted")
            } catch {
                precondition(error.code == .outOfMemory, "\(error)")
            }
        }
    }

    @Test("a page that memory has no room for is an error that names column and place")
    func pages() async {
        await #expect(processExitsWith: .success) {
            var options = ConversionOptions()
            options.parquet.compression = .zstd(level: 1)
            (options.parquet.pageBytes, options.parquet.rowGroupBytes) = (1 << 30, 1 << 30)
            let sink = MemorySink()
            let text = "s\n" + (0..<40).map { "\($0)" + String(repeating: "x", count: 1_500_000) + "\n" }.joined()
            _ = try CSVConverter.convert(from: MemorySource(text), to: sink, options: options)
            let file = try ParquetFile(ParquetMemoryInput(sink.bytes))
            guard Self.limit(64 << 20) else { return }
            do throws(ColumnarError) {
                var rows = file.rows()
                while try rows.next() != nil {}
                preconditionFailure("read")
            } catch {
                precondition(error.code == .outOfMemory && error.namesPlace, "\(error)")
            }
        }
    }
}
