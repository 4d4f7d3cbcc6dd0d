import Columnar
import Foundation
import Testing

@Suite("Parquet writer, values and dictionaries")
struct WriterValueTests {
    @Test("dictionaries that outgrow their limits give way in the middle of a chunk")
    func largeDictionary() throws {
        let folder = try ScratchFolder()
        var text = "few,many,long\n"
        var random = SeededGenerator(seed: 9)
        for row in 0..<120_000 {
            // Few of the first values are new, all of the later ones.
            let many = row < 40_000 ? "v\(row % 50)" : "value number \(row)"
            let long = row < 30_000 ? row * 37 % 100 * 1_000_003 : Int.random(in: 0..<1 << 40, using: &random)
            text += "\(row % 3),\(many),\(long)\n"
        }
        let csv = folder.path("in.csv")
        try Data(text.utf8).write(to: URL(filePath: csv))
        let bytes = try parquet(of: text) { $0.threads = 2 }
        let path = folder.path("out.parquet")
        try Data(bytes).write(to: URL(filePath: path))
        let encodings = try footer(bytes).rowGroups[0].columns.compactMap(\.metadata).map { Set($0.encodings) }
        #expect(encodings[1].isSuperset(of: [.rleDictionary, .deltaLengthByteArray]))
        #expect(encodings[2].isSuperset(of: [.rleDictionary, .deltaBinaryPacked]))
        try ParquetChecker.check([.init(parquet: path, csv: csv)], in: folder.url)
    }

    @Test("texts that differ only beyond their hash's first look stay apart, as do quoted null tokens")
    func exactKeys() throws {
        let folder = try ScratchFolder()
        var options = ConversionOptions()
        options.csv.nullTokens = ["NA", "none at all", "-"]
        let path = folder.path("keys.parquet")
        let text =
            "s,n\nNA,1\n\"NA\",NA\nnone at all,-\n\"none at all\",\"NA\"\nabcdefgh,2\nabcdefghi,3\n\"abcdefgh\",\"3\"\n-,\"\"\n"
        try convert(text, options, to: path)
        let expected = ExpectedColumns(columns: [
            (
                "s",
                [
                    .null, .text("NA"), .null, .text("none at all"), .text("abcdefgh"), .text("abcdefghi"),
                    .text("abcdefgh"), .null,
                ]
            ),
            ("n", [.integer(1), .null, .null, .null, .integer(2), .integer(3), .integer(3), .null]),
        ])
        try ParquetChecker.check([.init(parquet: path, expected: expected)], in: folder.url)
    }

    @Test("null tokens that look like numbers are nulls, in dictionaries and among plain values")
    func numericTokens() throws {
        let folder = try ScratchFolder()
        var options = ConversionOptions()
        options.csv.nullTokens = ["-999", "1000000007"]
        var text = "few,many,price\n"
        var expected = ExpectedColumns(columns: [("few", []), ("many", []), ("price", [])])
        for row in 0..<8000 {
            let isNull = row % 10 == 3
            text += isNull ? "-999,1000000007,-999\n" : "\(row % 7),\"\(row * 7_919_333)\",\"\(row).25\"\n"
            expected.columns[0].values.append(isNull ? .null : .integer(Int64(row % 7)))
            expected.columns[1].values.append(isNull ? .null : .integer(Int64(row * 7_919_333)))
            expected.columns[2].values.append(isNull ? .null : .double(Double(row) + 0.25))
        }
        let path = folder.path("tokens.parquet")
        try convert(text, options, to: path)
        try ParquetChecker.check([.init(parquet: path, expected: expected)], in: folder.url)
    }

    @Test("a file whose fields are all quoted gives the same bytes as one without quotes")
    func allQuoted() throws {
        var random = SeededGenerator(seed: 33)
        var (plain, quoted) = ("a,b,c,d,e,f\n", "\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"\n")
        for row in 0..<9000 {
            let fields = [
                "\(row)", "\(Double(Int.random(in: 0..<500, using: &random)) / 4)", "word\(row % 5)",
                "2024-01-0\(1 + row % 9) 0\(row % 10):11:22", String(random.next(), radix: 16),
                row % 3 == 0 ? "true" : "false",
            ]
            plain += fields.joined(separator: ",") + "\n"
            quoted += fields.map { "\"\($0)\"" }.joined(separator: ",") + "\n"
        }
        #expect(
            try parquet(of: plain) { $0.csv.batchBytes = 4 << 20 }
                == parquet(of: quoted) { $0.csv.batchBytes = 4 << 20 })
    }

    @Test("numbers in text become the nearest double, like the standard library's")
    func doubles() throws {
        var random = SeededGenerator(seed: 21)
        var texts: [String] = [
            "0.1", "123456789012345678.9", "9007199254740993.0", "0.000000000000000000000000001", "1e22",
        ]
        texts += [
            "1e23", "8.5e-27", "179769313486231570000000000000000000000.5e270", "4.9e-324", "2.2250738585072011e-308",
        ]
        for _ in 0..<20_000 {
            let digits = (0..<Int.random(in: 1...22, using: &random)).map { _ in Int.random(in: 0...9, using: &random) }
            let point = Int.random(in: 1...digits.count, using: &random)
            let whole = digits[..<point].drop { $0 == 0 }.map(String.init).joined()
            var text = (whole.isEmpty ? "0" : whole) + "." + digits[point...].map(String.init).joined() + "5"
            if Bool.random(using: &random) { text = "-" + text }
            if Bool.random(using: &random) { text += "e\(Int.random(in: -40...40, using: &random))" }
            texts.append(text)
        }
        for _ in 0..<20_000 {
            let value = Double(bitPattern: random.next())
            if value.isFinite { texts.append("\(value)".contains(".") ? "\(value)" : "\(value)e0") }
        }
        for _ in 0..<20_000 { texts.append("\(Double.random(in: 0..<1000, using: &random))") }
        let reader = try CSVReader(MemorySource("v,x\n" + texts.map { "\($0),1\n" }.joined()))
        var row = 0
        try reader.forEachRecord { record throws(ColumnarError) in
            let wanted = Double(texts[row])
            let found = record.double(0)
            #expect(found?.bitPattern == wanted?.bitPattern || wanted?.isFinite == false, "\(texts[row])")
            row += 1
        }
        #expect(row == texts.count)
    }
}
