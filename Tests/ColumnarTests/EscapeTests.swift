import Columnar
import Testing

@Suite("Escapes outside quotes", .timeLimit(.minutes(10)))
struct EscapeTests {
    private var options: CSVOptions {
        var options = CSVOptions()
        options.escape = "\\"
        return options
    }

    @Test(
        "an escape before the last line end of a file leaves it a line end",
        arguments: ["\n", "\r\n", "", "\r"], [0, 1, 2, 3, 7])
    func end(lineEnd: String, padding: Int) throws {
        var options = options
        options.batchBytes = 8 + padding
        let other = lineEnd.isEmpty ? "\n" : lineEnd
        let found = try readAll("a,b\(other)1,x\(other)2,y\\\(lineEnd)", options)
        #expect(found.rows == [["1", "x"], ["2", "y\\"]])
    }

    @Test("an escaped line end in the middle is text, CRLF as a whole")
    func middle() throws {
        #expect(try readAll("a,b\r\n2,y\\\r\nz\r\n", options).rows == [["2", "y\r\nz"]])
        #expect(try readAll("a,b\n2,y\\\nz\n", options).rows == [["2", "y\nz"]])
    }

    private func masked(_ text: String, _ masking: Masking, _ options: CSVOptions) throws -> String {
        let sink = MemorySink()
        _ = try QualityFilter(QualityRules(rules: []), options: options, masking: masking).run(
            MemorySource(text), good: sink, bad: CollectedRejects())
        return String(decoding: sink.bytes, as: UTF8.self)
    }

    @Test("masked fields that had escapes are replaced where they stand, and the others stay as they stand")
    func masks() throws {
        let text = "id,mail,note,city\n1,a\\,b,x\\,y,U\n2,\"q\\\"r\",\\,,V\n3,plain,z\\\\,\n4,,k\\\n,W\n"
        let masking = Masking(columns: ["mail": .redact, "city": .keepLastFour])
        #expect(
            try masked(text, masking, options)
                == "id,mail,note,city\n1,***,x\\,y,*\n2,\"***\",\\,,*\n3,***,z\\\\,\n4,,k\\\n,*\n")
        // What is kept of a value is written so that it reads as before.
        let kept = try masked("id,mail\n1,12345\\,78\n", Masking(columns: ["mail": .keepLastFour]), options)
        #expect(try readAll(kept, options).rows == [["1", "***45,78"]])
        var bare = options
        bare.quote = nil
        let unquoted = try masked("id,mail\n1,12345\\,78\n", Masking(columns: ["mail": .keepLastFour]), bare)
        #expect(try readAll(unquoted, bare).rows == [["1", "***45,78"]])
    }
}
