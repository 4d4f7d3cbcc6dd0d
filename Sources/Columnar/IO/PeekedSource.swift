/// A source whose first bytes have been looked at.
final class PeekedSource: ByteSource {
    private let base: any ByteSource
    /// The first bytes; fewer than asked for only where the input is shorter.
    private(set) var head: [UInt8] = []
    private var position = 0

    init(_ base: any ByteSource, count: Int) throws(ColumnarError) {
        self.base = base
        head = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let read = try Self.read(base, into: &head, at: filled)
            if read == 0 { break }
            filled += read
        }
        head.removeLast(count - filled)
    }

    private static func read(
        _ base: any ByteSource, into bytes: inout [UInt8], at offset: Int
    ) throws(ColumnarError) -> Int {
        try bytes.withUnsafeMutableBufferPointer { buffer throws(ColumnarError) in
            try base.read(into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[offset...])))
        }
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
