import Columnar
import Foundation
import Testing

@Suite("Compressed input", .timeLimit(.minutes(10)))
struct CompressedInputTests {
    private static let files = Result { try InputTools.archives() }

    private func file(_ name: String) throws -> [UInt8] {
        try #require(try Self.files.get()[name], "\(name) was not made")
    }

    private func error(_ name: String) throws -> ColumnarError {
        let bytes = try file(name)
        return try #require(columnarError { _ = try readAll(bytes) }, "\(name) was read")
    }

    @Test("gzip: one member, several, padded with zeros, with a name", arguments: ["one", "two", "padded", "named"])
    func gzip(_ name: String) throws {
        let bytes = try file("\(name).gz")
        #expect(try readAll(bytes).rows == [["1", "x"], ["2", "y"]])
        #expect(try readAll(bytes, maximumRead: 1).rows == [["1", "x"], ["2", "y"]])
    }

    @Test("gzip: garbage at the end, a cut and a wrong checksum are errors with the offset in the file")
    func damagedGzip() throws {
        let whole = try file("one.gz")
        let garbage = try error("garbage.gz")
        #expect(garbage.code == .corruptFile && garbage.byteOffset == Int64(whole.count))
        for count in [3, 10, 15, whole.count - 8, whole.count - 1] {
            let cut = columnarError { _ = try readAll(Array(whole[..<count])) }
            #expect(cut?.code == (count == 3 ? .corruptFile : .corruptFile) && cut?.byteOffset == Int64(count))
            #expect(cut?.message.contains("byte \(count)") == true)
        }
        var wrong = whole
        wrong[whole.count - 6] ^= 1
        #expect(columnarError { _ = try readAll(wrong) }?.code == .corruptFile)
    }

    @Test(
        "ZIP: members are read one after the other",
        arguments: ["plain", "zip64", "zip64-end", "descriptors", "comment", "folders", "nested"])
    func zip(_ name: String) throws {
        let expected = name == "zip64-end" ? [["1", "x"], ["2", "y"]] : [["1", "x"], ["2", "y"], ["3", "z"]]
        let (columns, rows) = try readAll(try file("\(name).zip"))
        #expect(columns == ["a", "b"] && rows == expected)
        #expect(try readAll(try file("\(name).zip"), maximumRead: 3).rows == expected)
    }

    /// One block of DEFLATE with fixed codes: an `a`, and `matches` times 258 more.
    private func deflated(matches: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var count = 0
        func put(_ value: Int, _ bits: Int) {
            for bit in (0..<bits).reversed() {
                if count % 8 == 0 { bytes.append(0) }
                bytes[count / 8] |= UInt8(value >> bit & 1) << UInt8(count % 8)
                count += 1
            }
        }
        put(0b110, 3)  // last block; fixed codes, their two bits from the lower one
        put(0x30 + 0x61, 8)
        for _ in 0..<matches {
            put(0b1100_0101, 8)  // length 258
            put(0, 5)  // distance 1
        }
        put(0, 7)
        return bytes
    }

    @Test("a bare stream of which the last byte holds more than a buffer takes is read to its end")
    func pending() throws {
        // With 6 and 14, the last byte begins with the last bit of a match: it is taken before that is copied.
        for matches in [1, 2, 6, 14, 50] {
            for room in [1, 7, 100, 257, 258, 259, 300, 517, 1 << 16] {
                let source = try InflateSource(MemorySource(deflated(matches: matches)), framing: .bare)
                for _ in 0..<2 {
                    var total = 0
                    var buffer = [UInt8](repeating: 0, count: room)
                    while true {
                        let count = try buffer.withUnsafeMutableBytes { try source.read(into: $0) }
                        if count == 0 { break }
                        #expect(buffer[..<count].allSatisfy { $0 == 0x61 })
                        total += count
                    }
                    #expect(total == 1 + 258 * matches, "\(room)")
                    try source.rewind()
                }
                let cut = columnarError {
                    let source = try InflateSource(
                        MemorySource(Array(deflated(matches: matches).dropLast())), framing: .bare)
                    var buffer = [UInt8](repeating: 0, count: room)
                    while try buffer.withUnsafeMutableBytes({ try source.read(into: $0) }) > 0 {}
                }
                #expect(cut?.code == .corruptFile)
            }
        }
    }

    @Test("ZIP: records are counted through, lines and offsets are those of the member")
    func places() throws {
        let reader = try CSVReader(MemorySource(try file("plain.zip")))
        var places: [[Int64]] = []
        try reader.forEachRecord { record throws(ColumnarError) in
            places.append([record.row, record.line, record.byteOffset])
        }
        #expect(places == [[1, 2, 4], [2, 3, 8], [3, 2, 4]])
    }

    @Test("ZIP: a member with other columns is named with the difference")
    func headers() throws {
        let other = try error("other-header.zip")
        #expect(other.code == .headerMismatch && other.member == "late.csv")
        #expect(other.message.contains("late.csv") && other.message.contains("one.csv"))
        #expect(other.message.contains("lacks b") && other.message.contains("has c besides"))
        let order = try error("other-order.zip")
        #expect(order.code == .headerMismatch && order.message.contains("order is b, a"))
    }

    @Test("ZIP: an error within a member, and a rejected record, name it")
    func memberPlaces() throws {
        let ragged = try error("ragged.zip")
        #expect(ragged.code == .malformedRow && ragged.member == "late.csv")
        #expect(ragged.row == 4 && ragged.line == 3 && ragged.byteOffset == 8)
        var options = ConversionOptions()
        options.csv.badRecords = .reject
        let collector = RejectCollector()
        let report = try CSVConverter.convert(
            from: MemorySource(try file("ragged.zip")), to: MemorySink(), options: options, rejectedRecords: collector)
        #expect(report.rows == 3 && report.rejectedRows == 1)
        #expect(collector.records.first?.member == "late.csv" && collector.records.first?.row == 4)
        options.schema = [ColumnSchema(name: "b", type: .bigint)]
        let mismatch = columnarError {
            _ = try CSVConverter.convert(
                from: MemorySource(try self.file("plain.zip")), to: MemorySink(), options: options)
        }
        #expect(mismatch?.code == .schemaMismatch && mismatch?.member == "one.csv")
    }

    @Test("ZIP: what cannot be read says why")
    func refused() throws {
        let encrypted = try error("encrypted.zip")
        #expect(encrypted.code == .unsupported && encrypted.message.contains("encrypted"))
        #expect(encrypted.member == "one.csv")
        #expect(try error("bzip2.zip").message.contains("bzip2"))
        #expect(try error("office.xlsx").code == .notText)
        #expect(try error("empty.zip").code == .emptyFile)
        #expect(try error("zip-in-zip.zip").code == .unsupported)
        #expect(try error("cut.zip").code == .corruptFile)
        let checksum = try error("checksum.zip")
        #expect(checksum.code == .corruptFile && checksum.message.contains("CRC-32"))
    }

    @Test("ZIP from a pipe is refused with the way out")
    func pipe() throws {
        var ends: [Int32] = [0, 0]
        #expect(Foundation.pipe(&ends) == 0)
        defer { close(ends[0]) }
        let bytes = try file("plain.zip")
        _ = bytes.withUnsafeBytes { write(ends[1], $0.baseAddress, $0.count) }
        close(ends[1])
        let error = columnarError { _ = try CSVReader(FileSource(descriptor: ends[0])) }
        #expect(error?.code == .unsupported && error?.message.contains("pipe") == true)
    }

    @Test("a file of a zip, read from disk, is converted; a late value needs a second pass over all members")
    func secondPass() throws {
        let folder = try ScratchFolder()
        let path = folder.path("plain.zip")
        try Data(try file("plain.zip")).write(to: URL(filePath: path))
        var options = ConversionOptions()
        // The first member's values are numbers; the second member's are not.
        options.csv.nullTokens = ["x", "y"]
        let report = try CSVConverter.convert(
            from: FileSource(path: path), to: FileSink(path: folder.path("out.parquet")), options: options)
        #expect(report.rows == 3 && report.columns.map(\.type) == [.bigint, .string])
    }

    @Test("a decompression bomb stops at the record limit, in bounded memory")
    func bomb() throws {
        let error = try error("bomb.gz")
        #expect(error.code == .unclosedQuote)
    }
}
