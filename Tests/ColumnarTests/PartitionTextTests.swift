import Columnar
import Foundation
import Testing

@Suite("Partitions: texts that look alike")
struct PartitionTextTests {
    private func partitions(
        _ text: String, _ change: (inout ConversionOptions) -> Void = { _ in }
    ) throws -> [(values: [[UInt8]], rows: Int64)] {
        let folder = try ScratchFolder()
        var options = ConversionOptions()
        change(&options)
        let output = try FolderOutput(path: folder.path("table"))
        let report = try CSVConverter.convert(
            from: MemorySource(text), to: output, partitionedBy: try Partitioning(parsing: "k"), options: options)
        try output.publish()
        for file in report.files {
            let path = "\(folder.path("table"))/\(file.path)\(file.name)"
            #expect(FileManager.default.fileExists(atPath: path))
        }
        return report.files.map { ($0.values.map { Array($0.utf8) }, $0.rows) }
    }

    @Test("a text that stands for null in paths is refused, unless it means null")
    func nullName() throws {
        let text = "k,v\n__HIVE_DEFAULT_PARTITION__,1\n,2\n__HIVE_DEFAULT_PARTITION__,3\n"
        let error = columnarError { _ = try partitions(text) }
        #expect(error?.code == .unsupported && error?.column == "k" && error?.message.contains("null token") == true)
        let found = try partitions(text) { $0.csv.nullTokens = ["__HIVE_DEFAULT_PARTITION__"] }
        #expect(found.map(\.rows) == [3])
    }

    @Test("texts of the same characters in other bytes are partitions of their own")
    func unicodeForms() throws {
        let forms = ["caf\u{E9}", "cafe\u{301}"]
        let found = try partitions("k,v\n\(forms[0]),1\n\(forms[1]),2\n\(forms[0]),3\n")
        #expect(Set(found.map(\.values)) == Set(forms.map { [Array($0.utf8)] }))
        #expect(found.map(\.rows).sorted() == [1, 2])
    }
}
