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
}
