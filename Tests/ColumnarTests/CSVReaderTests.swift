import Columnar
import Testing

/// Reads all records as texts; `NULL` stands for null.
func readAll(
    _ bytes: [UInt8], _ options: CSVOptions = CSVOptions(), maximumRead: Int = .max
) throws -> (columns: [String], rows: [[String]]) {
    let reader = try CSVReader(MemorySource(bytes, maximumRead: maximumRead), options: options)
    var rows: [[String]] = []
    try reader.forEachRecord { record throws(ColumnarError) in
        rows.append((0..<record.count).map { record.string($0) ?? "NULL" })
    }
    return (reader.columns.map(\.name), rows)
}

func readAll(_ text: String, _ options: CSVOptions = CSVOptions()) throws -> (columns: [String], rows: [[String]]) {
    try readAll(Array(text.utf8), options)
}

func columnarError(_ body: () throws -> Void) -> ColumnarError? {
    do {
        try body()
        return nil
    } catch {
        return error as? ColumnarError
    }
}

@Suite("CSV reader")
struct CSVReaderTests {
    struct Sample: Sendable, CustomTestStringConvertible {
        var name: String
        var text: String
        var rows: [[String]]
        var testDescription: String { name }

        init(_ name: String, _ text: String, _ rows: [[String]]) {
            (self.name, self.text, self.rows) = (name, text, rows)
        }
    }

    static let samples: [Sample] = [
        Sample("plain", "a,b\n1,2\n3,4\n", [["1", "2"], ["3", "4"]]),
        Sample("no line end at the end", "a,b\n1,2\n3,4", [["1", "2"], ["3", "4"]]),
        Sample("CRLF", "a,b\r\n1,2\r\n3,4\r\n", [["1", "2"], ["3", "4"]]),
        Sample(
            "CRLF with empty last fields", "a,b\r\n1,\r\n,\r\n3,4", [["1", "NULL"], ["NULL", "NULL"], ["3", "4"]]),
        Sample("LF and CRLF mixed", "a,b\n1,2\r\n3,4\n5,6\r\n", [["1", "2"], ["3", "4"], ["5", "6"]]),
        Sample("CR only", "a,b\r1,2\r3,4\r", [["1", "2"], ["3", "4"]]),
        Sample("CR only, quoted LF", "a,b\r1,x\r2,\"z\n\"\r", [["1", "x"], ["2", "z\n"]]),
        Sample(
            "CR only, quotes alone", "a\r\"one\ntwo\"\r\"three\nfour\"\rfive\r",
            [["one\ntwo"], ["three\nfour"], ["five"]]),
        Sample("CR only, quoted header", "a\t\"b\nc\"\r\"\"\"\n\"\t2\r", [["\"\n", "2"]]),
        Sample("LF after a quoted CR", "a,\"b\rc\"\n\"1\r\",2\n", [["1\r", "2"]]),
        Sample("CR only, no line end at the end", "a,b\r1,2\r3,4", [["1", "2"], ["3", "4"]]),
        Sample("byte order mark", "\u{FEFF}a,b\n1,2\n", [["1", "2"]]),
        Sample("quoted commas and line ends", "a,b\n\"1,1\",\"2\n2\"\n3,4\n", [["1,1", "2\n2"], ["3", "4"]]),
        Sample("doubled quotes", "a,b\n\"\"\"x\"\"\",\"y\"\"z\"\n", [["\"x\"", "y\"z"]]),
        Sample("quoted empty is a text, empty is null", "a,b\n\"\",\n", [["", "NULL"]]),
        Sample("quoted CRLF", "a,b\r\n\"1\r\n1\",2\r\n", [["1\r\n1", "2"]]),
        Sample("quote at the end of the file", "a,b\n1,\"2\"", [["1", "2"]]),
        Sample("quotes within unquoted fields", "a,b\n5\" pipe,x\n6,y\"z\"\n", [["5\" pipe", "x"], ["6", "y\"z\""]]),
        Sample("blank lines", "a,b\n\n1,2\n\n\n3,4\n\n", [["1", "2"], ["3", "4"]]),
        Sample("blank CRLF lines", "a,b\r\n\r\n1,2\r\n\r\n", [["1", "2"]]),
        Sample("blank lines before the header", "\n\na,b\n1,2\n", [["1", "2"]]),
        Sample("one column: blank lines are nulls", "a\n1\n\n2\n", [["1"], ["NULL"], ["2"]]),
        Sample("one column, CRLF", "a\r\n1\r\n\r\n2\r\n", [["1"], ["NULL"], ["2"]]),
        Sample("semicolons", "a;b\n1,5;2\n3;4,5\n", [["1,5", "2"], ["3", "4,5"]]),
        Sample("tabs", "a\tb\n1, x\t2\n", [["1, x", "2"]]),
        Sample("bars", "a|b\n1|2\n", [["1", "2"]]),
        Sample("letters of all kinds", "a,b\nßø,日本\n😀,é\n", [["ßø", "日本"], ["😀", "é"]]),
        Sample("header only", "a,b\n", []),
        Sample("header only, no line end", "a,b", []),
        Sample("blanks are kept", "a,b\n 1 , 2\n", [[" 1 ", " 2"]]),
    ]

    @Test("reads what RFC 4180 and its variants allow", arguments: samples)
    func reads(_ sample: Sample) throws {
        let (columns, rows) = try readAll(sample.text)
        #expect(rows == sample.rows)
        #expect(columns.first == "a")
        // Byte by byte: no result depends on how the input arrives.
        #expect(try readAll(Array(sample.text.utf8), maximumRead: 1).rows == sample.rows)
    }

    @Test("options change the dialect")
    func dialects() throws {
        var options = CSVOptions()
        options.comment = "#"
        #expect(try readAll("# made by hand\na,b\n#1,2\n3,#4\n", options).rows == [["3", "#4"]])
        options = CSVOptions()
        options.trimsFields = true
        #expect(try readAll("a , b\n 1 ,\t2 \n \" x \" , y\n", options).rows == [["1", "2"], [" x ", "y"]])
        options = CSVOptions()
        options.escape = "\\"
        #expect(try readAll("a,b\n\"x\\\"y\",\"c\\\\d\\n\"\n", options).rows == [["x\"y", "c\\d\\n"]])
        #expect(try readAll("a,b\nx\\,y,z\\\nz\n\\\\,\\N\n", options).rows == [["x,y", "z\nz"], ["\\", "\\N"]])
        #expect(try readAll("a\\,b,c\n\"d\"\"d\",e\\\"e\n", options).columns == ["a_b", "c"])
        #expect(try readAll("a,b\n\"d\"\"d\",e\\\"e\n1,x\\", options).rows == [["d\"d", "e\"e"], ["1", "x\\"]])
        #expect(try readAll("a,b\r\nx\\\r\ny,1\r\n\\\"q,2\r\n", options).rows == [["x\r\ny", "1"], ["\"q", "2"]])
        options.nullTokens = ["\\N"]
        #expect(try readAll("a,b\n\\N,\\\\N\n", options).rows == [["NULL", "\\N"]])
        options.quote = nil
        #expect(try readAll("a\tb\nx\\\ty\t\"z\\\n\"\n", options).rows == [["x\ty", "\"z\n\""]])
        options = CSVOptions()
        options.quote = "'"
        #expect(try readAll("a,b\n'x,y','z''z'\n", options).rows == [["x,y", "z'z"]])
        options.quote = nil
        #expect(try readAll("a,b\n\"x,y\"\n", options).rows == [["\"x", "y\""]])
        options = CSVOptions()
        options.hasHeader = false
        let plain = try readAll("1,2\n3,4\n", options)
        #expect(plain.columns == ["column_1", "column_2"])
        #expect(plain.rows == [["1", "2"], ["3", "4"]])
        options.columnNames = ["X", "Y z"]
        #expect(try readAll("1,2\n", options).columns == ["x", "y_z"])
        options = CSVOptions()
        options.nullTokens = ["NA", "undefined or so"]
        #expect(
            try readAll("a,b\nNA,\"NA\"\nundefined or so,NAN\n", options).rows == [["NULL", "NA"], ["NULL", "NAN"]])
        options = CSVOptions()
        options.badRecords = .pad
        #expect(
            try readAll("a,b,c\n1\n1,2,3\n1,2\n", options).rows == [
                ["1", "NULL", "NULL"], ["1", "2", "3"], ["1", "2", "NULL"],
            ])
    }

    @Test("names are lower-cased, and other characters become _")
    func names() throws {
        let header = try readAll("Order ID,Größe, total-price ,\"A,B\",x_1\n").columns
        #expect(header == ["order_id", "gr__e", "total_price", "a_b", "x_1"])
    }

    @Test("a record larger than the buffer is read whole")
    func largeRecord() throws {
        let text = String(repeating: "long, \"\"text\"\"\n", count: 20_000)
        var options = CSVOptions()
        options.batchBytes = 1024
        let rows = try readAll(Array("a,b\n1,\"\(text)\"\n2,x\n".utf8), options).rows
        #expect(rows == [["1", text.replacing("\"\"", with: "\"")], ["2", "x"]])
    }

    @Test("records know their row, line and offset")
    func places() throws {
        let text = "a,b\n1,\"x\ny\"\n\n2,z\n"
        let reader = try CSVReader(MemorySource(text))
        var places: [[Int64]] = []
        var raw: [String] = []
        try reader.forEachRecord { record throws(ColumnarError) in
            places.append([record.row, record.line, record.byteOffset])
            raw.append(String(decoding: record.rawBytes, as: UTF8.self))
        }
        #expect(places == [[1, 2, 4], [2, 5, 13]])
        #expect(raw == ["1,\"x\ny\"", "2,z"])
    }

    @Test("Zstandard input is decompressed")
    func zstd() throws {
        // `printf 'a,b\n1,2\n' | zstd`, made by the reference tool.
        let frame: [UInt8] = [
            0x28, 0xB5, 0x2F, 0xFD, 0x20, 0x08, 0x41, 0x00, 0x00, 0x61, 0x2C, 0x62, 0x0A, 0x31, 0x2C, 0x32, 0x0A,
        ]
        #expect(try readAll(frame).rows == [["1", "2"]])
        let error = columnarError { _ = try readAll(Array(frame.dropLast(3))) }
        #expect(error?.code == .corruptFile)
    }
}
