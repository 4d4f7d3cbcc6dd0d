package import Foundation
import Synchronization

/// Keeps the Parquet files that tests write. With the environment variable SLUICE_WRITTEN, a folder, each is put there
/// once, named after its test, so that `Tests/Tools/verify_written.py` can read all of them with others' readers.
package enum WrittenFiles {
    /// The folder; nil where nothing is to be kept.
    package static let folder = ProcessInfo.processInfo.environment["SLUICE_WRITTEN"].flatMap {
        $0.isEmpty ? nil : URL(filePath: $0)
    }

    private static let mark = Array("PAR1".utf8)
    private static let known = Mutex<Set<UInt64>>([])

    /// Keeps what is a whole Parquet file: what a test has given up halfway has no end. Other files are passed over.
    package static func keep(_ bytes: [UInt8], of test: String?) {
        guard let folder, bytes.count > 12, bytes.starts(with: mark), bytes.suffix(4).elementsEqual(mark) else {
            return
        }
        let hash = bytes.reduce(into: UInt64(14_695_981_039_346_656_037)) { hash, byte in
            hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211
        }
        guard known.withLock({ $0.insert(hash).inserted }) else { return }
        let name = "\(test ?? "unknown")-\(String(hash, radix: 16)).parquet"
        do {
            try Data(bytes).write(to: folder.appending(path: name))
        } catch {
            // A file that is missing among the kept ones would pass for one that is right.
            fatalError("SLUICE_WRITTEN: \(error)")
        }
    }

    /// The same for all files in and below a folder.
    package static func keep(below path: String, of test: String?) {
        guard folder != nil, let names = FileManager.default.enumerator(atPath: path) else { return }
        while let name = names.nextObject() as? String {
            guard names.fileAttributes?[.type] as? FileAttributeType == .typeRegular else { continue }
            // Most files are none, and some are large.
            guard let handle = FileHandle(forReadingAtPath: "\(path)/\(name)") else { continue }
            defer { try? handle.close() }
            guard (try? handle.read(upToCount: 4)).map(Array.init) == mark else { continue }
            guard let bytes = FileManager.default.contents(atPath: "\(path)/\(name)") else { continue }
            keep(Array(bytes), of: test)
        }
    }
}
