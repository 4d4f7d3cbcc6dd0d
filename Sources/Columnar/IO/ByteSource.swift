/// Where a reader gets its bytes: a file, memory, a decompressor on top of another source.
///
/// A source is used by one thread at a time.
public protocol ByteSource: AnyObject {
    /// Reads at most `buffer.count` bytes and returns how many; 0 only at the end. A short read is not the end.
    /// - Throws: `ReadFailed`, or `CorruptFile` from a decompressor.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int

    /// Goes back to the first byte. A converter needs this when a late value forces a wider column type.
    /// - Throws: `ReadFailed` where the source cannot be read twice (a pipe).
    func rewind() throws(ColumnarError)
}

/// Bytes in memory.
public final class MemorySource: ByteSource {
    private let bytes: [UInt8]
    private var position = 0
    /// The most that one read returns; small values exercise readers in tests.
    private let maximumRead: Int

    public init(_ bytes: [UInt8], maximumRead: Int = .max) {
        self.bytes = bytes
        self.maximumRead = max(1, maximumRead)
    }

    public convenience init(_ text: String) {
        self.init(Array(text.utf8))
    }

    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int {
        let count = min(buffer.count, bytes.count - position, maximumRead)
        guard count > 0 else { return 0 }
        bytes.withUnsafeBytes { source in
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[position..<position + count]))
        }
        position += count
        return count
    }

    public func rewind() throws(ColumnarError) {
        position = 0
    }
}
