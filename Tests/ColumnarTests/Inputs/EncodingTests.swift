import Columnar
import Foundation
import Testing

@Suite("Encodings of text")
struct EncodingTests {
    private static let text = "name,city\nZoë,Åbo\nœ \"5\" €,日本\n😀,x\n"
    private static let rows = [["Zoë", "Åbo"], ["œ \"5\" €", "日本"], ["😀", "x"]]

    private func options(_ encoding: TextEncoding) -> CSVOptions {
        var options = CSVOptions()
        options.encoding = encoding
        return options
    }

    private func utf16(_ text: String, bigEndian: Bool, mark: Bool) -> [UInt8] {
        let units = (mark ? [0xFEFF] : []) + Array(text.utf16)
        return units.flatMap { bigEndian ? [UInt8($0 >> 8), UInt8($0 & 0xFF)] : [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    }

    @Test("UTF-16 with a byte order mark is read as it is, whatever comes in a read", arguments: [false, true])
    func utf16Mark(_ bigEndian: Bool) throws {
        let bytes = utf16(Self.text, bigEndian: bigEndian, mark: true)
        for encoding in [TextEncoding.automatic, .utf16, bigEndian ? .utf16BigEndian : .utf16LittleEndian] {
            #expect(try readAll(bytes, options(encoding)).rows == Self.rows)
            #expect(try readAll(bytes, options(encoding), maximumRead: 1).rows == Self.rows)
        }
        let other = options(bigEndian ? .utf16LittleEndian : .utf16BigEndian)
        #expect(columnarError { _ = try readAll(bytes, other) }?.code == .invalidEncoding)
        #expect(columnarError { _ = try readAll(bytes, self.options(.utf8)) }?.code == .invalidEncoding)
    }

    @Test("UTF-16 without a mark shows itself by its zeros, or is asked for", arguments: [false, true])
    func utf16Unmarked(_ bigEndian: Bool) throws {
        let western = "name,city\n" + String(repeating: "Zoë,Åbo €\n", count: 9000)
        let bytes = utf16(western, bigEndian: bigEndian, mark: false)
        let rows = try readAll(bytes, options(.automatic)).rows
        #expect(rows.count == 9000 && rows.allSatisfy { $0 == ["Zoë", "Åbo €"] })
        #expect(try readAll(bytes, options(.utf16)).rows == rows)
        let eastern = "名前、都市\n" + String(repeating: "日本人、大阪\n", count: 100)
        let dense = utf16(eastern, bigEndian: bigEndian, mark: false)
        let error = columnarError { _ = try readAll(dense, self.options(.automatic)) }
        #expect(error?.code == .notText && error?.message.contains("utf-16le") == true)
        let given = options(bigEndian ? .utf16BigEndian : .utf16LittleEndian)
        #expect(try readAll(dense, given).rows.count == 100)
    }

    @Test("Latin-1 and Windows-1252 when asked for")
    func singleByte() throws {
        let bytes = Array("a,b\n".utf8) + [0x5A, 0x6F, 0xEB, 0x2C, 0x80, 0x93, 0x94, 0x9F, 0xFF, 0x0A]
        #expect(try readAll(bytes, options(.windows1252)).rows == [["Zoë", "€“”Ÿÿ"]])
        #expect(try readAll(bytes, options(.latin1)).rows == [["Zoë", "\u{80}\u{93}\u{94}\u{9F}ÿ"]])
        let undefined = Array("a,b\n1,".utf8) + [0x81, 0x0A]
        let error = columnarError { _ = try readAll(undefined, self.options(.windows1252)) }
        #expect(error?.code == .invalidEncoding && error?.byteOffset == 6)
        #expect(error?.message.contains("0x81") == true && error?.message.contains("latin-1") == true)
    }

    @Test("bytes that are no UTF-8 are never guessed: the error says which encoding to set")
    func automatic() {
        for encoding in [TextEncoding.automatic, .utf8] {
            let bytes = Array("a,b\n1,x\n2,caf".utf8) + [0xE9, 0x0A]
            let error = columnarError { _ = try readAll(bytes, self.options(encoding)) }
            #expect(error?.code == .invalidUTF8 && error?.row == 2 && error?.line == 3 && error?.byteOffset == 13)
            #expect(error?.message.contains("windows-1252") == true && error?.message.contains("\"é\"") == true)
        }
    }

    @Test("a mark that contradicts the encoding is an error")
    func contradictions() {
        for encoding in [TextEncoding.latin1, .windows1252, .utf16, .utf16BigEndian] {
            let error = columnarError {
                _ = try readAll([0xEF, 0xBB, 0xBF] + Array("a,b\n".utf8), self.options(encoding))
            }
            #expect(error?.code == .invalidEncoding && error?.byteOffset == 0)
        }
        let utf32 = columnarError { _ = try readAll([0xFF, 0xFE, 0, 0, 0x61, 0, 0, 0]) }
        #expect(utf32?.code == .unsupported && utf32?.message.contains("UTF-32") == true)
    }

    @Test("broken UTF-16 names the offset in the file")
    func brokenUTF16() {
        let good = utf16("a,b\n", bigEndian: false, mark: true)
        let samples: [([UInt8], Int64)] = [
            (good + [0x3D, 0xD8, 0x41, 0x00], 10),  // a high surrogate before a letter
            (good + [0x00, 0xDC, 0x41, 0x00], 10),  // a low surrogate by itself
            (good + [0x3D, 0xD8], 10), (good + [0x41], 10),
        ]
        for (bytes, offset) in samples {
            for maximum in [1, .max] {
                let error = columnarError { _ = try readAll(bytes, maximumRead: maximum) }
                #expect(error?.code == .invalidEncoding && error?.byteOffset == offset)
            }
        }
    }

    @Test("a file in another encoding is converted twice when a type must be widened")
    func secondPass() throws {
        var options = ConversionOptions()
        options.csv.batchBytes = 256
        let text = "n,s\n" + (0..<500).map { "\($0 == 499 ? "1.5" : "\($0)"),ß\n" }.joined()
        let report = try CSVConverter.convert(
            from: MemorySource(utf16(text, bigEndian: true, mark: true)), to: MemorySink(), options: options)
        #expect(report.rows == 500 && report.widenedColumns == ["n"])
    }
}
