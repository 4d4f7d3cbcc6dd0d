import Columnar
import Testing
import WrittenFiles

/// As Columnar's own, in whose place tests find it: a file that it holds in the end is kept, see `WrittenFiles`.
final class MemorySink: ByteSink {
    private(set) var bytes: [UInt8] = []
    private let test = Test.place

    init() {}

    func write(_ bytes: UnsafeRawBufferPointer) throws(ColumnarError) { self.bytes.append(contentsOf: bytes) }

    func reset() throws(ColumnarError) { bytes.removeAll(keepingCapacity: true) }

    deinit { WrittenFiles.keep(bytes, of: test) }
}

extension Test {
    /// File and line of the test that runs, such as `MergeTests.swift-117`.
    static var place: String? { current.map { "\($0.sourceLocation.fileName)-\($0.sourceLocation.line)" } }
}
