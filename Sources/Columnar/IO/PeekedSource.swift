/// A source whose first bytes have been looked at, to tell compressed input by its magic number.
final class PeekedSource: ByteSource {
    private let base: any ByteSource
    private var head: [UInt8] = []
    private var position = 0

    /// Bytes that begin a Zstandard frame.
    private static let zstdMagic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]

    private init(_ base: any ByteSource) throws(ColumnarError) {
        self.base = base
        var bytes = [UInt8](repeating: 0, count: 4)
        var count = 0
        while count < 4 {
            let read = try Self.read(base, into: &bytes, at: count)
            if read == 0 { break }
            count += read
        }
        head = Array(bytes[..<count])
    }

    private static func read(
        _ base: any ByteSource, into bytes: inout [UInt8], at offset: Int
    ) throws(ColumnarError) -> Int {
        try bytes.withUnsafeMutableBufferPointer { buffer throws(ColumnarError) in
            try base.read(into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[offset...])))
        }
    }

    /// The source itself, or a decompressor on top of it where it begins as Zstandard does.
    static func decompressing(_ source: any ByteSource) throws(ColumnarError) -> any ByteSource {
        let peeked = try PeekedSource(source)
        return peeked.head == zstdMagic ? try ZstdSource(peeked) : peeked
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int {
        guard position < head.count else { return try base.read(into: buffer) }
        let count = min(buffer.count, head.count - position)
        head.withUnsafeBytes { bytes in
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[position..<position + count]))
        }
        position += count
        return count
    }

    func rewind() throws(ColumnarError) {
        try base.rewind()
        // The base gives the head again from now on.
        position = head.count
    }
}
