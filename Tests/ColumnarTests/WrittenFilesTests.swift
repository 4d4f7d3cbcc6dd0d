import Columnar
import Foundation
import Testing
import WrittenFiles

/// The part of Sluice's own reader in `Tests/Tools/verify_written.py`, see `scripts/test.sh`.
@Suite("Files that tests wrote")
struct WrittenFilesTests {
    /// The folder of files to read, in a run for it alone.
    private static let folder = ProcessInfo.processInfo.environment["SLUICE_WRITTEN_READ"]

    @Test("Every file is read as text, or has its error beside it", .enabled(if: folder != nil))
    func texts() throws {
        let folder = try #require(Self.folder)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".parquet") }
        for name in names {
            let path = "\(folder)/\(name)"
            do {
                let file = try ParquetFile(ParquetFileInput(path: path))
                try ParquetTextWriter.write(file, to: FileSink(path: path + ".csv"))
            } catch {
                try? FileManager.default.removeItem(atPath: path + ".csv")
                try Data("\(error)".utf8).write(to: URL(filePath: path + ".error"))
            }
        }
    }
}
