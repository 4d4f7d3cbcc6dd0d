import Columnar
import Testing

@Suite("CSV reader: bad input")
struct CSVReaderErrorTests {
    private func error(_ text: String, _ options: CSVOptions = CSVOptions()) -> ColumnarError? {
        columnarError { _ = try readAll(text, options) }
    }

    @Test("empty files are EmptyFile", arguments: ["", "\u{FEFF}", "\n", "\r\n\r\n"])
    func empty(_ text: String) {
        #expect(error(text)?.code == .emptyFile)
    }

    @Test("binary files are NotText")
    func binary() {
        let files: [[UInt8]] = [
            Array("BZh91AY\u{1}rest".utf8), Array("%PDF-1.7\n\u{1}".utf8), Array("PAR1\u{15}\u{4}".utf8),
            Array("a,b\n1,\u{0}\n".utf8),
            [0x1F, 0x8B, 0x07, 0x00], (1...255).map { UInt8($0) },
        ]
        for file in files { #expect(columnarError { _ = try readAll(file) }?.code == .notText) }
    }

    @Test("control characters alone make no binary file, and neither do a few in another encoding")
    func controls() throws {
        let controls = (1...31).filter { ![10, 13].contains($0) }.map { UInt8($0) }
        #expect(try readAll(Array("a,b\n1,".utf8) + controls + [10]).rows.count == 1)
        let latin: [UInt8] = Array("a\u{1}b\n1\u{1}caf".utf8) + [0xE9, 10, 50, 1, 51, 10]
        #expect(columnarError { _ = try readAll(latin) }?.code == .invalidUTF8)
    }

    @Test("names that begin like binary files do are names", arguments: ["PAR1", "BZh", "%PDF"])
    func innocentNames(name: String) throws {
        #expect(try readAll("\(name)ice,x\n1,2\n").rows == [["1", "2"]])
    }

    @Test("too few and too many fields name row, line, offset and text")
    func ragged() {
        let few = error("a,b,c\n1,2,3\n\"4\n4\",5,6\n7,8\n9,9,9\n")
        #expect(few?.code == .malformedRow)
        #expect(few?.row == 3)
        #expect(few?.line == 5)
        #expect(few?.byteOffset == 22)
        #expect(few?.column == "c")
        #expect(few?.text == "7,8")
        let many = error("a,b\n1,2\n3,4,5\n")
        #expect(many?.code == .malformedRow)
        #expect(many?.row == 2)
        #expect(many?.line == 3)
        #expect(many?.text == "3,4,5")
        // Few in one record and many in the next must not pass for two good records.
        #expect(error("a,b\n1\n2,3,4\n")?.row == 1)
    }

    @Test("an unclosed quote is named where it opens")
    func unclosed() {
        let found = error("a,b\n1,2\n3,\"4\n5,6\n")
        #expect(found?.code == .unclosedQuote)
        #expect(found?.row == 2)
        #expect(found?.line == 3)
        #expect(found?.byteOffset == 8)
        var options = CSVOptions()
        options.batchBytes = 4096
        options.maximumRecordBytes = 20_000
        let endless = error("a,b\n1,2\n3,\"4\n" + String(repeating: "5,6\n", count: 100_000), options)
        #expect(endless?.code == .unclosedQuote)
        #expect(endless?.line == 3)
    }

    @Test("text after a closing quote is refused")
    func textAfterQuote() {
        let found = error("a,b\n1,\"x\"y\n")
        #expect(found?.code == .malformedRow)
        #expect(found?.column == "b")
        #expect(found?.row == 1)
    }

    @Test("invalid UTF-8 names its place")
    func invalidUTF8() {
        let bytes = Array("a,b\n1,2\n3,caf".utf8) + [0xE9] + Array("\n".utf8)
        let found = columnarError { _ = try readAll(bytes) }
        #expect(found?.code == .invalidUTF8)
        #expect(found?.row == 2)
        #expect(found?.line == 3)
        #expect(found?.column == "b")
        let sequences: [[UInt8]] = [
            [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x80], [0xF8, 0x88, 0x80, 0x80],
        ]
        for sequence in sequences {
            let file = Array("a,b\n1,".utf8) + sequence + Array("\n".utf8)
            #expect(columnarError { _ = try readAll(file) }?.code == .invalidUTF8)
        }
        #expect(
            columnarError { _ = try readAll(Array("a,b".utf8) + [0xE9] + Array("\n1,2\n".utf8)) }?.code == .invalidUTF8)
    }

    @Test("duplicate and empty names are refused, naming both")
    func names() {
        let twice = error("Order ID,b,order-id\n1,2,3\n")
        #expect(twice?.code == .duplicateColumn)
        #expect(twice?.column == "order_id")
        #expect(twice?.message.contains("\"Order ID\"") == true)
        #expect(twice?.message.contains("\"order-id\"") == true)
        let empty = error("a,,c\n1,2,3\n")
        #expect(empty?.code == .emptyColumnName)
        #expect(empty?.message.contains("\"a\"") == true)
        #expect(error("a,b,\n1,2,3\n")?.code == .emptyColumnName)
    }

    @Test("rejected records carry their place and text")
    func rejects() throws {
        final class Collector: RejectedRecords {
            var records: [RejectedRecord] = []
            func beginPass() throws(ColumnarError) { records = [] }
            func receive(_ record: RejectedRecord) throws(ColumnarError) { records.append(record) }
        }
        var options = CSVOptions()
        options.badRecords = .reject
        let bytes =
            Array("a,b\n1,2\n3\n4,5,6\n\"x\"y,7\n8,".utf8) + [0xFF] + Array("\n9,\"1\n0\"\n".utf8)
        let reader = try CSVReader(MemorySource(bytes), options: options)
        let collector = Collector()
        reader.rejectedRecords = collector
        var rows: [Int64] = []
        try reader.forEachRecord { record throws(ColumnarError) in rows.append(record.row) }
        #expect(rows == [1, 6])
        #expect(collector.records.map(\.row) == [2, 3, 4, 5])
        #expect(collector.records.map(\.line) == [3, 4, 5, 6])
        #expect(collector.records.map(\.byteOffset) == [8, 10, 16, 23])
        #expect(collector.records.map(\.code) == [.malformedRow, .malformedRow, .malformedRow, .invalidUTF8])
        #expect(collector.records[1].bytes == Array("4,5,6".utf8))
    }

    @Test("cut and damaged files end in an error or in records, never in a crash")
    func damaged() throws {
        var random = SeededGenerator(seed: 11)
        let base = Array(
            "id,name,when\n1,\"a,\"\"b\"\"\",2024-01-01\r\n2,日本,2024-01-02T03:04:05Z\n,,\n3,\"x\ny\",\n".utf8)
        var options = CSVOptions()
        options.batchBytes = 256
        for _ in 0..<3000 {
            var bytes = base
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] =
                    [
                        UInt8.random(in: 0...255, using: &random), 0x22, 0x2C, 0x0A, 0x0D,
                    ].randomElement(using: &random) ?? 0
            }
            bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
            options.badRecords = [.fail, .pad, .reject].randomElement(using: &random) ?? .fail
            do {
                _ = try readAll(bytes, options, maximumRead: Int.random(in: 1...64, using: &random))
            } catch let error as ColumnarError {
                #expect(!error.message.isEmpty && error.namesPlace, "\(error)")
            }
        }
    }
}

extension ColumnarError {
    /// Whether it says where: the byte or the row. What only a header or a schema can be blamed for has a line or a
    /// column.
    var namesPlace: Bool {
        if byteOffset != nil || row != nil { return true }
        switch code {
        case .duplicateColumn, .emptyColumnName, .headerMismatch: return line != nil || column != nil
        case .unsupported, .schemaMismatch: return column != nil
        default: return false
        }
    }
}
