import Columnar
import Foundation
import Testing

@Suite("Access logs")
struct AccessLogTests {
    private func options(_ format: String) throws -> ConversionOptions {
        var options = ConversionOptions()
        options.format = .accessLog(try AccessLogFormat(format))
        return options
    }

    private static let combined = #"""
        127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif?a=1&b=2 HTTP/1.0" 200 2326 "http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)"
        2001:db8::1 - - [29/Feb/2024:00:00:00 +0000] "POST /a\"b\\c\x20d HTTP/1.1" 404 - "-" ""
        10.0.0.7 - John Doe [31/Dec/1999:23:59:59 +1400] "\x16\x03\x01" 400 0 "-" "caf\xc3\xa9 \xff"
        host.example - - [01/Jan/2024:12:00:00 +0530] "GET /only" 000 17 "-" "-"
        host.example - - [01/Jan/2024:12:00:00 +0530] "-" 408 - "\"quoted\"" "x"

        """#

    @Test("A user whom Apache writes as two quotes is an empty text, and what is quoted stays as it is")
    func emptyUser() throws {
        let text = """
            h - "" [31/Dec/1999:23:59:59 +0000] "GET / HTTP/1.1" 401 1 "-" "\\"\\""
            h - - [31/Dec/1999:23:59:59 +0000] "GET / HTTP/1.1" 200 1 "-" ""
            h - "a" [31/Dec/1999:23:59:59 +0000] "GET / HTTP/1.1" 200 1 "-" "x"

            """
        let sink = MemorySink()
        _ = try CSVConverter.convert(from: MemorySource(text), to: sink, options: try options("combined"))
        var rows = try ParquetFile(ParquetMemoryInput(sink.bytes)).rows()
        var found: [[ParquetValue]] = []
        while let row = try rows.next() { found.append([row[2], row[11]]) }
        #expect(
            found == [
                [.string(""), .string("\"\"")], [.null, .string("")], [.string("\"a\""), .string("x")],
            ])
    }

    @Test("A line that goes on behind the format's end shows what is too much")
    func more() throws {
        let line = "h - - [31/Dec/1999:23:59:59 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"x\" 0.123\n"
        let error = columnarError {
            _ = try CSVConverter.convert(from: MemorySource(line), to: DiscardSink(), options: try options("nginx"))
        }
        #expect(error?.code == .malformedRow && error?.message.contains("after http_user_agent, ` 0.123`") == true)
    }

    @Test("combined: typed columns, escapes, nulls; read by pyarrow, DuckDB and Polars")
    func combined() throws {
        let folder = try ScratchFolder()
        let path = folder.path("log.parquet")
        let report = try convert(Self.combined, try options("combined"), to: path)
        #expect(report.rows == 5)
        func texts(_ values: [String?]) -> [ExpectedColumns.Value] { values.map { $0.map { .text($0) } ?? .null } }
        let expected = ExpectedColumns(columns: [
            ("remote_host", texts(["127.0.0.1", "2001:db8::1", "10.0.0.7", "host.example", "host.example"])),
            ("remote_logname", texts([nil, nil, nil, nil, nil])),
            ("remote_user", texts(["frank", nil, "John Doe", nil, nil])),
            (
                "time",
                texts([
                    "2000-10-10 20:55:36", "2024-02-29 00:00:00", "1999-12-31 09:59:59", "2024-01-01 06:30:00",
                    "2024-01-01 06:30:00",
                ])
            ),
            (
                "request",
                texts([
                    "GET /apache_pb.gif?a=1&b=2 HTTP/1.0", "POST /a\"b\\c d HTTP/1.1", "\u{16}\u{3}\u{1}", "GET /only",
                    nil,
                ])
            ), ("request_method", texts(["GET", "POST", nil, "GET", nil])),
            ("request_path", texts(["/apache_pb.gif?a=1&b=2", "/a\"b\\c d", nil, "/only", nil])),
            ("request_protocol", texts(["HTTP/1.0", "HTTP/1.1", nil, nil, nil])),
            ("status", [.integer(200), .integer(404), .integer(400), .integer(0), .integer(408)]),
            ("bytes", [.integer(2326), .null, .integer(0), .integer(17), .null]),
            ("referer", texts(["http://www.example.com/start.html", nil, nil, nil, "\"quoted\""])),
            // What is no UTF-8 when unescaped stays as it stands.
            ("user_agent", texts(["Mozilla/4.08 [en] (Win98; I ;Nav)", "", "caf\\xc3\\xa9 \\xff", nil, "x"])),
        ])
        try ParquetChecker.check(
            [
                .init(
                    parquet: path, expected: expected,
                    types: [
                        "time": "timestamp[us, tz=UTC]", "status": "int64", "bytes": "int64",
                        "remote_logname": "string",
                    ])
            ], in: folder.url)
    }

    @Test("nginx: names of its variables, numbers and ISO times")
    func nginx() throws {
        let format =
            #"$remote_addr [$time_iso8601] "$request" $status $request_time ${upstream_response_time}s "$http_x_forwarded_for""#
        let log = #"10.1.1.1 [2024-05-31T23:59:59+02:00] "GET / HTTP/2.0" 499 0.005 -s "1.2.3.4, 5.6.7.8""# + "\n"
        let report = try convert(log, try options(format))
        #expect(
            report.columns.map { "\($0.name) \($0.type)" } == [
                "remote_addr string", "time_iso8601 timestamp with local time zone", "request string",
                "request_method string", "request_path string", "request_protocol string", "status bigint",
                "request_time double", "upstream_response_time string", "http_x_forwarded_for string",
            ])
        #expect(report.rows == 1)
        #expect(try convert(Self.combined, try options("nginx")).columns.first?.name == "remote_addr")
    }

    @Test("Apache: conditions, arguments and httpd.conf's quoting")
    func apache() throws {
        let format = #"%a %{c}a \"%!200,304{Foo-Bar}i\" %>s %{X}o|%{sid}C %{ms}T %{usec}t %D %% %{c}p %{%Y}t"#
        let report = try convert("1.1.1.1 2.2.2.2 \"x\" 200 y|z 12 1700000000000000 5 % 80 2024\n", try options(format))
        #expect(
            report.columns.map { "\($0.name) \($0.type)" } == [
                "client_ip string", "c_ip string", "foo_bar string", "status bigint", "response_x string",
                "cookie_sid string", "duration_ms bigint", "time_usec bigint", "duration_us bigint", "c_port bigint",
                "time_text string",
            ])
    }

    @Test("lines that do not parse are named with line and reason, or rejected")
    func badLines() throws {
        let good = #"1.1.1.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 5"# + "\n"
        let bad: [(String, String, String?)] = [
            ("nonsense\n", "remote_host", "remote_host"),
            (#"1.1.1.1 - - [10/Okt/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 5"# + "\n", "a time like", "time"),
            (#"1.1.1.1 - - [30/Feb/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 5"# + "\n", "a time like", "time"),
            (#"1.1.1.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" OK 5"# + "\n", "a whole number", "status"),
            (#"1.1.1.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0 200 5"# + "\n", "after request", "request"),
            (
                #"1.1.1.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 5 "-" "x""# + "\n", "a whole number",
                "bytes"
            ),
        ]
        for (line, reason, column) in bad {
            let error = columnarError { try convert(good + "\n" + line, try self.options("common")) }
            #expect(error?.code == .malformedRow && error?.row == 2 && error?.line == 3, "\(line)")
            #expect(error?.byteOffset == Int64(good.utf8.count + 1) && error?.column == column)
            #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        }
        var options = try options("common")
        options.csv.badRecords = .reject
        options.csv.batchBytes = 256
        let collector = RejectCollector()
        let text = (0..<200).map { $0 % 10 == 3 ? "bad \($0)\n" : good }.joined() + "\u{FFFD}"
        let report = try convert(text, options, rejected: collector)
        #expect(report.rows == 180 && report.rejectedRows == 21)
        #expect(
            collector.records.prefix(2).map(\.line) == [4, 14] && collector.records.prefix(2).map(\.row) == [4, 14])
        #expect(String(decoding: collector.records[1].bytes, as: UTF8.self) == "bad 13")
    }

    @Test("a line larger than the window is read; one beyond the limit is an error")
    func longLines() throws {
        var options = try options("common")
        options.csv.batchBytes = 256
        let path = String(repeating: "x", count: 50_000)
        let line = "1.1.1.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /\(path) HTTP/1.0\" 200 5\n"
        #expect(try convert(line + line, options).rows == 2)
        options.csv.maximumRecordBytes = 10_000
        #expect(columnarError { try convert(line, options) }?.code == .limitExceeded)
    }

    @Test("a file with a known schema keeps its types; drift widens nothing by itself")
    func schema() throws {
        var options = try options("common")
        options.schema = [ColumnSchema(name: "status", type: .string), ColumnSchema(name: "vhost", type: .string)]
        let report = try convert(
            #"1.1.1.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 5"# + "\n", options)
        #expect(report.columns.first == ColumnSchema(name: "status", type: .string))
        #expect(report.missingColumns.map(\.name) == ["vhost"])
        #expect(report.newColumns.contains(ColumnSchema(name: "time", type: .timestampUTC)))
    }

    @Test(
        "formats that cannot be used are refused",
        arguments: ["", "no fields", "%h%u", "%{Referer", "%é", "$a$b", "${a", "%", "%Z"])
    func badFormats(_ text: String) {
        #expect(columnarError { _ = try AccessLogFormat(text) }?.code == .unsupported)
    }
}

@Suite("Fixed-width text")
struct FixedWidthTests {
    private func options(_ columns: [String], _ change: (inout FixedWidthLayout) -> Void = { _ in }) throws
        -> ConversionOptions
    {
        var options = ConversionOptions()
        var layout = try FixedWidthLayout(columns.map { try FixedWidthLayout.Column($0) })
        change(&layout)
        options.format = .fixedWidth(layout)
        return options
    }

    @Test("columns by place, with types, leading zeros and blanks; read by pyarrow, DuckDB and Polars")
    func values() throws {
        let folder = try ScratchFolder()
        let path = folder.path("fixed.parquet")
        let options = try options([
            "id:1-6:bigint", "City:7-16", "price:17-24:decimal(8,2)", "day:25-34", "n:35-38:double",
        ])
        let text =
            "000042Zürich    +0012.502024-02-29 1.5\r\n" + "-00007\"quoted\"  -00012.5          -001\r\n"
            + "                                      \r\n" + "\r\n" + "     0 日本           0.002024-03-01   0\r\n"
        let report = try convert(text, options, to: path)
        #expect(report.rows == 4)
        let expected = ExpectedColumns(columns: [
            ("id", [.integer(42), .integer(-7), .null, .integer(0)]),
            ("city", [.text("Zürich"), .text("\"quoted\""), .null, .text("日本")]),
            ("price", [.text("12.50"), .text("-12.50"), .null, .text("0.00")]),
            ("day", [.text("2024-02-29"), .null, .null, .text("2024-03-01")]),
            ("n", [.double(1.5), .double(-1), .null, .double(0)]),
        ])
        try ParquetChecker.check(
            [
                .init(
                    parquet: path, expected: expected,
                    types: ["id": "int64", "price": "decimal128(8, 2)", "day": "date32[day]", "n": "double"])
            ], in: folder.url)
    }

    @Test("short and long lines by policy; header lines are skipped")
    func ragged() throws {
        let columns = ["a:1-3", "b:4-6"]
        let short = columnarError { try convert("one two\n", try self.options(["a:1-3", "b:5-9"])) }
        #expect(short?.code == .malformedRow && short?.column == "b" && short?.line == 1)
        var padded = try options(["a:1-3", "b:5-9", "c:11-12"])
        padded.csv.badRecords = .pad
        #expect(try convert("one two\n1\n", padded).rows == 2)
        let long = columnarError {
            try convert("header\nabcdef   \nabcdefg\n", try self.options(columns) { $0.skippedLines = 1 })
        }
        #expect(long?.code == .malformedRow && long?.row == 2 && long?.line == 3)
        #expect(try convert("abcdefg\n", try options(columns) { $0.ignoresRest = true }).rows == 1)
        var rejecting = try options(columns)
        rejecting.csv.badRecords = .reject
        let collector = RejectCollector()
        #expect(try convert("abcdef\nab\nabcdef\n", rejecting, rejected: collector).rows == 2)
        #expect(collector.records.map(\.line) == [2])
    }

    @Test("places count characters, or bytes when asked for")
    func units() throws {
        let characters = try convert("ßßß1\n", try options(["a:1-3", "b:4-4:bigint"]))
        #expect(characters.rows == 1)
        #expect(try convert("ßßß1\n", try options(["a:1-6", "b:7-7:bigint"]) { $0.unit = .bytes }).rows == 1)
        let cut = columnarError { try convert("ßßß1\n", try self.options(["a:1-3", "b:4-7"]) { $0.unit = .bytes }) }
        #expect(cut?.code == .malformedRow && cut?.message.contains("across the edge") == true)
    }

    @Test("a value that does not fit its type is named")
    func mismatch() throws {
        let error = columnarError { try convert("001\nabc\n", try self.options(["a:1-3:bigint"])) }
        #expect(error?.code == .schemaMismatch && error?.row == 2 && error?.column == "a" && error?.text == "abc")
        // Without a type, leading zeros keep a column text.
        #expect(try convert("001\n002\n", try options(["a:1-3"])).columns[0].type == .string)
        #expect(try convert("  1\n 22\n", try options(["a:1-3"])).columns[0].type == .bigint)
    }

    @Test("layouts are read from JSON, and wrong ones are refused")
    func layouts() throws {
        let json = #"""
            {"columns": [{"name": "Id", "start": 1, "width": 6, "type": "bigint"}, {"name": "city", "start": 7, "end": 26},
            "note:27-30"], "skipLines": 2, "trim": false, "unit": "bytes", "ignoreRest": true}
            """#
        let layout = try JSONDecoder().decode(FixedWidthLayout.self, from: Data(json.utf8))
        #expect(layout.columns.map(\.name) == ["id", "city", "note"] && layout.columns.map(\.width) == [6, 20, 4])
        #expect(layout.columns[0].type == .bigint && layout.skippedLines == 2 && !layout.trims && layout.unit == .bytes)
        for text in ["", "a", "a:1", "a:0-3", "a:5-4", "a:1-2:int96", "a:x-y"] {
            #expect(columnarError { _ = try FixedWidthLayout.Column(text) }?.code == .unsupported)
        }
        #expect(columnarError { _ = try FixedWidthLayout([]) }?.code == .unsupported)
        #expect(
            columnarError {
                _ = try FixedWidthLayout([.init(name: "a", start: 1, width: 1), .init(name: "A", start: 2, width: 1)])
            }?.code == .duplicateColumn)
        for json in [
            "{}", #"{"columns": []}"#, #"{"columns": [{"name": "a", "start": 1}]}"#,
            #"{"columns": [{"name": "a", "start": 3, "end": 1}]}"#, #"{"columns": ["a"]}"#,
            #"{"columns": [{"name": "a", "start": 1, "end": 9223372036854775807}]}"#,
            #"{"columns": [{"name": "a", "start": -9223372036854775808, "end": 9223372036854775807}]}"#,
        ] {
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode(FixedWidthLayout.self, from: Data(json.utf8))
            }
        }
    }
}
