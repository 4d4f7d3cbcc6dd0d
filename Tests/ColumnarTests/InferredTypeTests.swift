import Columnar
import Testing

@Suite("Types of columns that records show")
struct InferredTypeTests {
    @Test(
        "are those that a conversion infers",
        arguments: [
            ["1", "2"], ["1", "2.5"], ["0.12345678901234567890", "1"], ["12345678901234567890"], ["007"],
            ["1.5", "1e3"],
            ["9007199254740993", "0.5"], ["true", "FALSE"], ["2024-01-01"], ["2024-01-01", "2024-01-01 10:00:00"],
            ["2024-01-01T10:00:00Z"], ["10:00:00"], ["NaN", "1.5"], ["x"], [""], ["\"\"", "5"], ["\"5\"", ""],
            ["1", "x"], ["NaN"],
        ])
    func same(values: [String]) throws {
        let text = "k,v\n" + values.map { "k,\($0)\n" }.joined()
        let reader = try CSVReader(MemorySource(text))
        var type = InferredType()
        try reader.forEachRecord { record throws(ColumnarError) in type.look(at: record, 1) }
        #expect(try type.type ?? .string == convert(text).columns[1].type)
    }

    @Test("An instant whose year in UTC is before 0001 or after 9999 is text: readers have no such years")
    func calendar() throws {
        func type(_ values: String...) throws -> ColumnType {
            try convert("k,v\n" + values.map { "k,\($0)\n" }.joined()).columns[1].type
        }
        #expect(try type("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z") == .timestampUTC)
        #expect(try type("0001-01-01T14:00:00+14:00", "9999-12-31T11:59:59-12:00") == .timestampUTC)
        for value in ["0001-01-01T13:59:59.999999+14:00", "9999-12-31T12:00:00-12:00"] {
            #expect(try type(value) == .string, "\(value)")
            // Also where a later value is the first of its kind.
            #expect(try type("2024-05-31T10:00:00Z", value) == .string, "\(value)")
        }
    }
}
