import Columnar
import Foundation
import Testing

/// `Tests/Tools/verify_written.py` itself: that it finds what is wrong.
@Suite("Comparison of readers", .timeLimit(.minutes(5)))
struct ReadersComparisonTests {
    @Test("A wrong value, a wrong bound, a page that cannot be read, and an empty folder are found")
    func seeded() throws {
        let folder = try ScratchFolder()
        var options = ConversionOptions()
        options.parquet.compression = .none
        let sink = MemorySink()
        let values = (0..<100).map { "\($0),text of \($0),\(Double($0) * 1.25)\n" }.joined()
        _ = try CSVConverter.convert(from: MemorySource("id,name,price\n" + values), to: sink, options: options)
        let whole = sink.bytes
        let text = MemorySink()
        try ParquetTextWriter.write(try ParquetFile(ParquetMemoryInput(whole)), to: text)

        /// What the script says of one file and of Sluice's reading of it.
        func complaint(_ file: [UInt8], _ text: [UInt8], _ error: String? = nil) throws -> String? {
            let place = folder.url.appending(path: UUID().uuidString)
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            // What is wrong on purpose is not kept for the run over all files.
            defer { try? FileManager.default.removeItem(at: place) }
            try Data(file).write(to: place.appending(path: "a.parquet"))
            try Data(text).write(to: place.appending(path: "a.parquet.csv"))
            if let error { try Data(error.utf8).write(to: place.appending(path: "a.parquet.error")) }
            return try ReaderPython.complaint(script: "verify_written.py", [place.path])
        }
        #expect(try complaint(whole, text.bytes) == nil)

        func changed(_ bytes: [UInt8], _ old: String, _ new: String) throws -> [UInt8] {
            let (old, new) = (Array(old.utf8), Array(new.utf8))
            let place = try #require(bytes.indices.first { bytes[$0...].starts(with: old) })
            return Array(bytes[..<place]) + new + bytes[(place + old.count)...]
        }
        // Sluice reads otherwise than the others.
        let otherText = try changed(text.bytes, "text of 57", "text of 58")
        #expect(try complaint(whole, otherText)?.contains("sluice, name: row 57") == true)
        #expect(try complaint(whole, text.bytes, "no")?.contains("sluice, no") == true)
        // All read the same, but not what the statistics say: the greatest text, in its page.
        let otherValue = try changed(whole, "text of 99", "text of 90")
        let otherReading = MemorySink()
        try ParquetTextWriter.write(try ParquetFile(ParquetMemoryInput(otherValue)), to: otherReading)
        #expect(try complaint(otherValue, otherReading.bytes)?.contains("statistics of name") == true)
        // Nobody can read it.
        #expect(try complaint(Array(whole.dropLast(40)) + whole.suffix(8), text.bytes)?.contains("Error") == true)
        let empty = folder.url.appending(path: "empty")
        try FileManager.default.createDirectory(at: empty, withIntermediateDirectories: true)
        #expect(try ReaderPython.complaint(script: "verify_written.py", [empty.path]) != nil)
    }
}
