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

    @Test("An action by its word; an unknown one names those that there are")
    func words() throws {
        #expect(try Masking.Action(word: "last4", hash: .sha256()).name == "last4")
        let error = #expect(throws: ColumnarError.self) { try Masking.Action(word: "md5", hash: .sha256()) }
        #expect(error?.message.contains("redact, last4 and sha256") == true)
    }
}
