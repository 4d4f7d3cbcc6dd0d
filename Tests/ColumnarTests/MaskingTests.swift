import Columnar
import ColumnarHashing
import Foundation
import Testing

/// What looks like personal data, and masks.
@Suite("Masking")
struct MaskingTests {
    @Test(
        "Forms of personal data",
        arguments: [
            ("ada@example.org", .email), ("o'neil.x+tag@mail.example.co.uk", .email), ("a@b", nil), ("a b@c.de", nil),
            (".a@b.de", nil), ("a.@b.de", nil), ("a..b@c.de", nil), ("a@-b.de", nil), ("a@b-.de", nil), ("a@b.c", nil),
            ("a@b.12", nil), ("@b.de", nil), ("a@b@c.de", nil),
            ("+49 30 123456", .phone), ("+1 (212) 555-0123", .phone), ("0049 30 1234567", .phone),
            ("(030) 1234567", .phone), ("212-555-0123", .phone), ("212.555.0123", .phone), ("112-555-0123", nil),
            ("2125550123", nil), ("2024-05-31", nil), ("2024-05-31 10:00:00", nil), ("+49", nil), ("1.5", nil),
            ("((((((((((", nil),
            ("4111 1111 1111 1111", .card), ("4111-1111-1111-1111", .card), ("378282246310005", .card),
            ("4111111111111112", nil), ("9111111111111111", nil), ("123-45-6789", .usSSN), ("000-45-6789", nil),
            ("666-45-6789", nil), ("123-00-6789", nil), ("123-45-0000", nil), ("123456789", nil),
            ("12345678Z", .spanishID), ("12345678-Z", .spanishID), ("12345678z", .spanishID), ("12345678A", nil),
            ("X1234567L", .spanishID), ("36574261809", .germanTaxID), ("36 574 261 809", .germanTaxID),
            ("36574261808", nil), ("06574261809", nil), ("", nil), ("lorem ipsum", nil), ("1704067200000000", nil),
        ] as [(String, PersonalData?)])
    func forms(text: String, kind: PersonalData?) {
        #expect(PersonalData.kind(of: text) == kind)
    }

    @Test("Check digits agree with a computation in Python")
    func checkDigits() throws {
        let lines = try ReaderPython.run(script: "quality_profile.py", ["personal", "11"]).split(separator: "\n")
        #expect(lines.count > 2500)
        for line in lines {
            let pair = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [Any])
            let text = try #require(pair[0] as? String)
            // A wrong number of one kind may be a right one of another, hardly ever.
            #expect(PersonalData.kind(of: text)?.rawValue == pair[1] as? String, "\(text)")
        }
    }

    private func masked(_ text: String, _ masking: Masking) throws -> String {
        let sink = MemorySink()
        _ = try QualityFilter(QualityRules(rules: []), masking: masking).run(
            MemorySource(text), good: sink, bad: CollectedRejects())
        return String(decoding: sink.bytes, as: UTF8.self)
    }

    @Test("Masks in the filter: quotes stay right, nulls stay null, other fields stay as they are")
    func filter() throws {
        let text = "Id,Mail,Card,Note\n1,a@b.de,4111-1111-1111-1234,\"x, \"\"y\"\"\"\n2,,\"12\",\n3,\"q,r\",Zoë é1,z\n"
        let masking = Masking(columns: ["mail": .hash(.sha256()), "Card": .keepLastFour, "note": .redact])
        #expect(
            try masked(text, masking) == """
                Id,Mail,Card,Note
                1,\(Self.sha("a@b.de")),****-****-****-1234,"***"
                2,,"**",
                3,"\(Self.sha("q,r"))",*oë é1,***

                """)
        let missing = #expect(throws: ColumnarError.self) { try masked(text, Masking(columns: ["mial": .redact])) }
        #expect(missing?.code == .missingColumn && missing?.message.contains("mial") == true)
    }

    /// By Python's hashlib.
    private static func sha(_ text: String) -> String {
        digests[text] ?? ""
    }

    private static let digests: [String: String] = {
        let values = ["a@b.de", "q,r", "salt" + "a@b.de", "4111111111111111"]
        let printed = (try? ReaderPython.run(script: "quality_hashes.py", values)) ?? ""
        return Dictionary(zip(values, printed.split(separator: "\n").map(String.init))) { first, _ in first }
    }()

    @Test("Masks in a conversion: text columns, salted digests, statistics and profile without the values")
    func conversion() throws {
        let text = "id,mail,card\n1,a@b.de,4111111111111111\n2,,5105105105105100\n"
        var options = ConversionOptions()
        options.masking = Masking(columns: ["mail": .hash(.sha256(salt: "salt")), "card": .keepLastFour])
        options.profile = 3
        let sink = MemorySink()
        let report = try CSVConverter.convert(from: MemorySource(text), to: sink, options: options)
        #expect(report.columns.map { "\($0.name) \($0.type)" } == ["id bigint", "mail string", "card string"])
        #expect(report.masked == ["mail": "sha256", "card": "last4"])
        #expect(report.profile?.columns[2].maximum == "************5100")
        let folder = try ScratchFolder()
        try Data(sink.bytes).write(to: URL(filePath: folder.path("a.parquet")))
        var expected = ExpectedColumns()
        expected.columns = [
            ("id", [.integer(1), .integer(2)]), ("mail", [.text(Self.sha("salta@b.de")), .null]),
            ("card", [.text("************1111"), .text("************5100")]),
        ]
        try ParquetChecker.check([.init(parquet: folder.path("a.parquet"), expected: expected)], in: folder.url)
        #expect(!String(decoding: sink.bytes, as: UTF8.self).contains("a@b.de"))

        options.schema = [ColumnSchema(name: "card", type: .bigint)]
        let mismatch = #expect(throws: ColumnarError.self) {
            try CSVConverter.convert(from: MemorySource(text), to: MemorySink(), options: options)
        }
        #expect(mismatch?.code == .schemaMismatch && mismatch?.column == "card")
    }

    @Test("Automatic masks choose columns by their first values, and leave the others")
    func automatic() throws {
        var text = "id,contact,zip,tax\n"
        for index in 0..<100 {
            text += "\(index),\(index % 3 == 0 ? "" : "u\(index)@example.org"),1011\(index % 10),36574261809\n"
        }
        var options = ConversionOptions()
        options.masking = Masking(columns: ["zip": .redact], automatic: .redact)
        let report = try CSVConverter.convert(from: MemorySource(text), to: MemorySink(), options: options)
        #expect(report.masked == ["zip": "redact", "contact": "redact", "tax": "redact"])
        let good = try masked(text, Masking(automatic: .redact))
        #expect(good.hasPrefix("id,contact,zip,tax\n0,,10110,***\n1,***,10111,***\n"))
    }

    /// Rows of which the last `late` have an address in `note`, far behind the first records.
    private func late(_ late: Int, of rows: Int = 1000) -> String {
        var text = "id,note\n"
        for index in 0..<rows { text += index < rows - late ? "\(index),fine\n" : "\(index),u\(index)@example.org\n" }
        return text
    }

    @Test(
        "Personal data that comes late in a column is masked from the start, on one thread and on two",
        arguments: [1, 2])
    func lateColumn(threads: Int) throws {
        var options = ConversionOptions()
        options.csv.batchBytes = 1024
        options.threads = threads
        options.masking = Masking(automatic: .redact)
        let sink = MemorySink()
        let report = try CSVConverter.convert(from: MemorySource(late(300)), to: sink, options: options)
        #expect(report.masked == ["note": "redact"] && report.unmasked.isEmpty && report.rows == 1000)
        #expect(Data(sink.bytes).range(of: Data("example.org".utf8)) == nil)
        let filter = QualityFilter(
            QualityRules(rules: []), options: options.csv, masking: Masking(automatic: .redact))
        let good = MemorySink()
        let filtered = try filter.run(MemorySource(late(300)), good: good, bad: CollectedRejects())
        #expect(filtered.masked == ["note": "redact"] && filtered.unmasked == nil)
        #expect(String(decoding: good.bytes, as: UTF8.self).hasPrefix("id,note\n0,***\n1,***\n"))
        #expect(good.bytes.count < 10_000 && filtered.good == 1000)
    }

    @Test("A few such values in a column of others are left and told, with kind, share and first row")
    func fewInColumn() throws {
        var options = ConversionOptions()
        options.csv.batchBytes = 1024
        options.masking = Masking(automatic: .redact)
        let report = try CSVConverter.convert(from: MemorySource(late(3)), to: MemorySink(), options: options)
        let told = UnmaskedValues(column: "note", kind: .email, count: 3, share: 0.003, firstRow: 998)
        #expect(report.masked.isEmpty && report.unmasked == [told])
        #expect("\(told)" == "note: 3 values look like email (0.3 %) and are not masked, the first in row 998")
        options.masking = Masking(columns: ["id": .redact])
        let named = try CSVConverter.convert(from: MemorySource(late(3)), to: MemorySink(), options: options)
        #expect(named.unmasked.isEmpty)
    }

    /// A source that can be read once, as a pipe.
    private final class Pipe: ByteSource {
        private let memory: MemorySource
        private var isRead = false
        init(_ text: String) { memory = MemorySource(text) }
        func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int {
            isRead = true
            return try memory.read(into: buffer)
        }
        func rewind() throws(ColumnarError) {
            if isRead { throw ColumnarError(.unsupported, "A pipe is read once.") }
        }
    }

    @Test("What cannot be read again, and would need a mask from the start, fails by name")
    func latePipe() throws {
        var options = ConversionOptions()
        options.csv.batchBytes = 1024
        options.masking = Masking(automatic: .redact)
        let error = #expect(throws: ColumnarError.self) {
            try CSVConverter.convert(from: Pipe(late(300)), to: MemorySink(), options: options)
        }
        #expect(error?.column == "note" && error?.message.contains("Name the columns to be masked") == true)
    }

    @Test("A nested column is masked as a whole, and by what is within it")
    func nested() throws {
        var text = ""
        for index in 0..<50 {
            text +=
                #"{"id":\#(index),"user":{"name":"n","age":3,"tags":["a","b"],"contacts":[{"mail":"u\#(index)@example.org"}]}}"#
                + "\n"
        }
        var options = ConversionOptions()
        options.format = .ndjson
        for masking in [Masking(columns: ["user": .redact]), Masking(automatic: .redact)] {
            options.masking = masking
            let sink = MemorySink()
            let report = try CSVConverter.convert(from: MemorySource(text), to: sink, options: options)
            #expect(report.columns.map { "\($0.name) \($0.type)" } == ["id bigint", "user string"])
            #expect(report.masked == ["user": "redact"])
            #expect(Data(sink.bytes).range(of: Data("example.org".utf8)) == nil)
        }
        // One record of fifty: told, with the name of the column.
        options.masking = Masking(automatic: .redact)
        let plain =
            text.replacing("@example.org", with: "") + #"{"id":9,"user":{"contacts":[{"mail":"a@b.de"}]}}"# + "\n"
        let report = try CSVConverter.convert(from: MemorySource(plain), to: MemorySink(), options: options)
        #expect(report.unmasked.map(\.column) == ["user"] && report.unmasked.first?.firstRow == 51)
    }

    @Test("A profile of nested columns has a line for each innermost value, and hides personal ones")
    func nestedProfile() throws {
        var text = ""
        for index in 0..<40 {
            text += #"{"id":\#(index),"user":{"mail":"u\#(index)@example.org","tags":["a","b","a"]},"none":[]}"# + "\n"
        }
        var options = ConversionOptions()
        options.format = .ndjson
        options.profile = 2
        let report = try CSVConverter.convert(from: MemorySource(text), to: MemorySink(), options: options)
        let profile = try #require(report.profile)
        #expect(profile.rows == 40 && profile.columns.first?.name == "id")
        let mail = try #require(profile.columns.first { $0.name == "user.mail" })
        #expect(mail.distinct.count == 40 && mail.lookalikes == [.init(kind: .email, share: 1)])
        let tags = try #require(profile.columns.first { $0.name.hasPrefix("user.tags") })
        // Values, of which a record may have several.
        #expect(
            tags.rows == 120 && tags.nulls == 0
                && tags.top == [.init(value: "a", count: 80), .init(value: "b", count: 40)])
        let hidden = try #require(profile.withoutPersonalData.columns.first { $0.name == "user.mail" })
        #expect(hidden.hidesValues == true && hidden.minimum == nil && hidden.top.isEmpty)
    }

    @Test("An action by its word; an unknown one names those that there are")
    func words() throws {
        #expect(try Masking.Action(word: "last4", hash: .sha256()).name == "last4")
        let error = #expect(throws: ColumnarError.self) { try Masking.Action(word: "md5", hash: .sha256()) }
        #expect(error?.message.contains("redact, last4 and sha256") == true)
    }
}
