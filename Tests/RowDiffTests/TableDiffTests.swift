import Columnar
import Foundation
import HostAPI
import RowDiff
import Testing
import WrittenFiles

@Suite("Rows of two tables")
struct TableDiffTests {
    private func file(_ text: String, _ name: String) throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(path: "rowdiff-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appending(path: name).path
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    private func diff(
        _ before: String, _ after: String, keys: [String] = [], examples: Int = 10, memory: Int = 64 << 20
    ) throws -> RowDifference {
        let (old, new) = (try file(before, "a.csv"), try file(after, "b.csv"))
        defer {
            for path in [old, new] {
                try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent)
            }
        }
        return try TableDiff(keys: keys, examples: examples, memory: memory).compare(TableFile(old), TableFile(new))
    }

    @Test("Order means nothing, number does")
    func multiset() throws {
        let same = try diff("id,v\n1,a\n2,b\n3,c\n", "id,v\n3,c\n1,a\n2,b\n")
        #expect(same.isEqual && same.rowsBefore == 3 && same.rowsAfter == 3)
        let twice = try diff("v,w\na,1\na,1\nb,1\n", "v,w\na,1\nb,1\nb,1\n")
        #expect(twice.added == 1 && twice.removed == 1 && twice.changed == 0 && twice.keys == [])
    }

    @Test("A key is found where a column is unique in both files, and tells changed rows from new ones")
    func keys() throws {
        let found = try diff(
            "name,order_id,v\nx,1,a\nx,2,b\nx,3,c\n", "name,order_id,v\nx,1,a\nx,2,B\nx,4,d\n")
        #expect(found.keys == ["order_id"])
        #expect(found.added == 1 && found.removed == 1 && found.changed == 1, "\(found)")
        #expect(found.examples.map(\.change).sorted() == ["added", "changed", "removed"])
        let changed = try #require(found.examples.first { $0.change == "changed" })
        #expect(changed.before == ["x", "2", "b"] && changed.after == ["x", "2", "B"])
        // Not unique: no key, so nothing is changed.
        let none = try diff("k,v\n1,a\n1,b\n", "k,v\n1,a\n1,c\n")
        #expect(none.keys == [] && none.added == 1 && none.removed == 1)
        let given = try diff("k,v\n1,a\n1,b\n", "k,v\n1,a\n1,c\n", keys: ["k"])
        #expect(given.keys == ["k"] && given.changed == 1 && given.added == 0)
        #expect(throws: ColumnarError.self) { try diff("k,v\n1,a\n", "k,v\n1,a\n", keys: ["x"]) }
    }

    @Test("Null is not the empty text, and fields do not run into each other")
    func fields() throws {
        #expect(try diff("a,b\n\"\",1\n", "a,b\n,1\n").isEqual == false)
        #expect(try diff("a,b\nx,yz\n", "a,b\nxy,z\n").isEqual == false)
    }

    @Test("Columns that came or went are told, and the others compared")
    func columns() throws {
        let found = try diff("id,old,v\n1,o,a\n2,o,b\n", "v,id,new\na,1,n\nX,2,n\n")
        #expect(found.columnsAdded == ["new"] && found.columnsRemoved == ["old"] && found.columns == ["id", "v"])
        #expect(found.changed == 1 && found.added == 0 && found.removed == 0)
    }

    @Test("With little memory the files are read in parts, with the same result")
    func parts() throws {
        let before = "id,v\n" + (0..<40_000).map { "\($0),\($0 % 7)\n" }.joined()
        let after =
            "id,v\n"
            + (0..<40_000).reversed().compactMap { $0 % 1000 == 1 ? nil : "\($0),\($0 % 500 == 3 ? 9 : $0 % 7)\n" }
            .joined() + "50000,1\n"
        let (whole, cut) = (
            try diff(before, after, keys: ["id"]), try diff(before, after, keys: ["id"], memory: 1 << 20)
        )
        #expect(whole.removed == 40 && whole.added == 1 && whole.changed == 80, "\(whole)")
        #expect([whole.removed, whole.added, whole.changed] == [cut.removed, cut.added, cut.changed])
        #expect(whole.examples.count == 10 && cut.examples.count == 10)
    }

    @Test("Values of different types are compared by what they mean")
    func types() throws {
        let text = """
            id,price,share,ok,at,name
            1,20,0.10,true,2024-05-31 09:00:00,007
            2,20.50,1e-7,false,2024-06-01 10:00:00,x

            """
        let csv = try file(text, "a.csv")
        let folder = (csv as NSString).deletingLastPathComponent
        defer {
            WrittenFiles.keep(below: folder, of: "TableDiffTests")
            try? FileManager.default.removeItem(atPath: folder)
        }
        _ = try CSVConverter.convert(from: FileSource(path: csv), to: FileSink(path: folder + "/a.parquet"))
        let same = try TableDiff().compare(TableFile(csv), TableFile(folder + "/a.parquet"))
        #expect(same.isEqual, "\(same)")
        try Data(text.replacing("2,20.50", with: "2,20.51").utf8).write(to: URL(filePath: folder + "/b.csv"))
        let other = try TableDiff().compare(TableFile(folder + "/b.csv"), TableFile(folder + "/a.parquet"))
        #expect(other.changed == 1 && other.added == 0 && other.examples.first?.before?[1] == "20.51", "\(other)")
        // Whole numbers that have become fractions: the rows are the same, the type is not.
        try Data("id,v\n1,20\n2,0\n".utf8).write(to: URL(filePath: folder + "/c.csv"))
        try Data("id,v\n1,20.0\n2,0.0\n".utf8).write(to: URL(filePath: folder + "/d.csv"))
        for name in ["c", "d"] {
            _ = try CSVConverter.convert(
                from: FileSource(path: "\(folder)/\(name).csv"), to: FileSink(path: "\(folder)/\(name).parquet"))
        }
        let widened = try TableDiff().compare(TableFile(folder + "/c.parquet"), TableFile(folder + "/d.parquet"))
        #expect(widened.added + widened.removed + widened.changed == 0 && widened.typesChanged.count == 1, "\(widened)")
        try Data("a,b\n1\n".utf8).write(to: URL(filePath: folder + "/ragged.csv"))
        let error = try #require(throws: ColumnarError.self) {
            try TableDiff().compare(TableFile(csv), TableFile(folder + "/ragged.csv"))
        }
        #expect(error.message.contains("ragged.csv"), "\(error)")
    }

    @Test("Parquet beside CSV; a file that is neither is an error")
    func parquet() throws {
        let csv = try file("id,v\n1,a\n2,\n", "a.csv")
        let parquet = (csv as NSString).deletingLastPathComponent + "/a.parquet"
        _ = try CSVConverter.convert(from: FileSource(path: csv), to: FileSink(path: parquet))
        let found = try TableDiff().compare(TableFile(csv), TableFile(parquet))
        #expect(found.added + found.removed + found.changed == 0 && found.rowsAfter == 2, "\(found)")
        let broken = try file("PAR1 and no more", "b.parquet")
        #expect(throws: ColumnarError.self) { try TableFile(broken) }
        #expect(throws: ColumnarError.self) { try TableFile("/nowhere/x.csv") }
        for path in [csv, broken] {
            try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent)
        }
    }
}
