import Columnar
import Foundation

/// As Columnar's own, in whose place tests find it. With SLUICE_WRITTEN, a folder, every Parquet file that a test
/// writes into memory is kept there, once each, so that `Tests/Tools/verify_written.py` can read them all with others'
/// readers.
final class MemorySink: ByteSink {
    private(set) var bytes: [UInt8] = []

    init() {}

    func write(_ bytes: UnsafeRawBufferPointer) throws(ColumnarError) { self.bytes.append(contentsOf: bytes) }

    func reset() throws(ColumnarError) { bytes.removeAll(keepingCapacity: true) }

    deinit {
        guard let folder = ProcessInfo.processInfo.environment["SLUICE_WRITTEN"] else { return }
        let mark = Array("PAR1".utf8)
        // What a test has given up halfway has no end.
        guard bytes.count > 12, bytes.starts(with: mark), Array(bytes.suffix(4)) == mark else { return }
        let name = bytes.reduce(into: UInt64(14_695_981_039_346_656_037)) { hash, byte in
            hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211
        }
        try? Data(bytes).write(to: URL(filePath: folder).appending(path: "\(name).parquet"))
    }
}
