/// Where a reader gets its bytes: a file, memory, a decompressor on top of another source.
///
/// A source is used by one thread at a time.
public protocol ByteSource: AnyObject {
    /// Reads at most `buffer.count` bytes and returns how many; 0 only at the end. A short read is not the end.
    /// - Throws: `ReadFailed`, `CorruptFile` from a decompressor, `InvalidEncoding` from a decoder of text.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int

    /// Goes back to the first byte. A converter needs this when a late value forces a wider column type.
    /// - Throws: `ReadFailed` where the source cannot be read twice (a pipe).
    func rewind() throws(ColumnarError)
}

/// A source that can also be read at any place: ZIP archives have their directory at the end.
public protocol RandomAccessSource: ByteSource {
    /// In bytes; nil where the source is a pipe after all.
    var byteCount: Int64? { get }

    /// Reads at most `buffer.count` bytes from `offset`, counted as `read(into:)` counts; 0 only at the end. The place
    /// of `read(into:)` stays.
    /// - Throws: `ReadFailed`.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(ColumnarError) -> Int
}

/// Bytes in memory.
public final class MemorySource: RandomAccessSource {
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

    public var byteCount: Int64? { Int64(bytes.count) }

    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int {
        let count = try read(into: buffer, at: Int64(position))
        position += count
        return count
    }

    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(ColumnarError) -> Int {
        guard offset >= 0, offset < Int64(bytes.count) else { return 0 }
        let start = Int(offset)
        let count = min(buffer.count, bytes.count - start, maximumRead)
        bytes.withUnsafeBytes { source in
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[start..<start + count]))
        }
        return count
    }

    public func rewind() throws(ColumnarError) {
        position = 0
    }
}
