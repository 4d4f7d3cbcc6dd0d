import Columnar
import Testing

@Suite("CSV reader: random files")
struct CSVRandomTests {
    private static let pieces = [
        "a", "xyz", "12", "-3.5", " ", "\"", ",", ";", "\n", "\r\n", "ß", "日", "'", "#", "longer text than eight", "\\",
    ]

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\"", with: "\"\"") + "\""
    }

    /// Whether a field can stand without quotes and mean the same.
    private static func isPlain(_ text: String, isOnly: Bool) -> Bool {
        !text.unicodeScalars.contains { "\",;\n\r".unicodeScalars.contains($0) } && !text.isEmpty
    }

    @Test("fields, rows and offsets survive, whatever the window", arguments: 0..<300)
    func roundTrip(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let columns = Int.random(in: 1...7, using: &random)
        let lineEnd = ["\n", "\r\n", "\r"].randomElement(using: &random) ?? "\n"
        let delimiter = [",", ";"].randomElement(using: &random) ?? ","
        var text = (0..<columns).map { "c\($0)" }.joined(separator: delimiter) + lineEnd
        var rows: [[String]] = []
        var offsets: [Int64] = []
        for _ in 0..<Int.random(in: 0...120, using: &random) {
            var row: [String] = []
            var fields: [String] = []
            for _ in 0..<columns {
                var value = ""
                for _ in 0..<Int.random(in: 0...4, using: &random) {
                    value += Self.pieces.randomElement(using: &random) ?? ""
                }
                if value.isEmpty && Bool.random(using: &random) {
                    row.append("NULL")
                    fields.append("")
                } else {
                    row.append(value)
                    let plain = Self.isPlain(value, isOnly: columns == 1) && Bool.random(using: &random)
                    fields.append(plain ? value : Self.quoted(value))
                }
            }
            rows.append(row)
            offsets.append(Int64(text.utf8.count))
            text += fields.joined(separator: delimiter) + lineEnd
        }
        if Bool.random(using: &random), rows.last?.last != "NULL" { text.removeLast() }

        var options = CSVOptions()
        options.delimiter = Character(delimiter)
        options.batchBytes = Int.random(in: 256...2048, using: &random)
        let maximumRead = Int.random(in: 1...700, using: &random)
        let reader = try CSVReader(MemorySource(Array(text.utf8), maximumRead: maximumRead), options: options)
        var found: [[String]] = []
        var places: [Int64] = []
        try reader.forEachRecord { record throws(ColumnarError) in
            found.append((0..<record.count).map { record.string($0) ?? "NULL" })
            places.append(record.byteOffset)
            #expect(record.row == Int64(found.count))
        }
        #expect(found == rows)
        #expect(places == offsets)

        // A comment character that never occurs sends every record through the byte-wise scanner.
        options.comment = "\u{1}"
        #expect(try readAll(Array(text.utf8), options).rows == rows)
    }
}
