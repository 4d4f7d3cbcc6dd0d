import CZlib

/// Decompresses DEFLATE while reading: gzip (RFC 1952), several members in a row being one stream as `gzip -d` has it,
/// or the bare stream (RFC 1951) of a ZIP member. zlib checks gzip's checksums and lengths.
public final class InflateSource: ByteSource {
    /// What stands around the compressed data.
    public enum Framing: Sendable {
        case gzip
        /// Nothing; the data ends by itself.
        case bare
    }

    private enum State {
        case inside
        /// After a gzip member: another one, zeros to the end (tape blocks), or the end may follow.
        case between
        case ended
    }

    private let base: any ByteSource
    private let framing: Framing
    private let stream: UnsafeMutablePointer<z_stream>
    private let input: UnsafeMutableRawBufferPointer
    private let firstOffset: Int64
    /// Compressed bytes taken from the base source.
    private var consumed: Int64 = 0
    private var state = State.inside
    /// Whether the last output filled its room, so that more may come without further input.
    private var isPending = false

    /// - Parameter offset: where the compressed data begins in the file, for places in messages.
    /// - Throws: `ReadFailed` where memory for the decompressor cannot be had.
    public init(_ base: any ByteSource, framing: Framing = .gzip, offset: Int64 = 0) throws(ColumnarError) {
        self.base = base
        self.framing = framing
        firstOffset = offset
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        input = .allocate(byteCount: 64 << 10, alignment: 16)
        // 15: the largest window; 16 more: gzip's frame; negative: no frame.
        guard czlib_inflate_init(stream, framing == .gzip ? 15 + 16 : -15) == Z_OK else {
            throw ColumnarError(.readFailed, "Cannot make a gzip decompressor: out of memory.")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        input.deallocate()
    }

    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int {
        guard let address = buffer.assumingMemoryBound(to: UInt8.self).baseAddress else { return 0 }
        let room = min(buffer.count, 1 << 30)
        stream.pointee.next_out = address
        stream.pointee.avail_out = UInt32(room)
        while Int(stream.pointee.avail_out) == room, state != .ended {
            if stream.pointee.avail_in == 0, !isPending { try fill() }
            if state == .between { try beginMember() }
            if state == .ended { break }
            let result = inflate(stream, Z_NO_FLUSH)
            isPending = result == Z_OK && stream.pointee.avail_out == 0
            switch result {
            case Z_OK, Z_BUF_ERROR: break
            case Z_STREAM_END: state = framing == .gzip ? .between : .ended
            default: throw damaged(stream.pointee.msg.map { String(cString: $0) } ?? "error \(result)")
            }
        }
        return room - Int(stream.pointee.avail_out)
    }

    private var offset: Int64 { firstOffset + consumed - Int64(stream.pointee.avail_in) }
    private var name: String { framing == .gzip ? "gzip" : "compressed" }

    private func fill() throws(ColumnarError) {
        let count = try base.read(into: input)
        consumed += Int64(count)
        stream.pointee.next_in = input.assumingMemoryBound(to: UInt8.self).baseAddress
        stream.pointee.avail_in = UInt32(count)
        guard count == 0 else { return }
        guard state == .between else {
            throw ColumnarError(
                .corruptFile, "The \(name) data is cut off at byte \(offset): its end is missing. Copy the file again.",
                byteOffset: offset)
        }
        state = .ended
    }

    /// At what follows a gzip member, of which at least a byte is there unless the end was reached.
    private func beginMember() throws(ColumnarError) {
        while state == .between, let next = stream.pointee.next_in, stream.pointee.avail_in > 0, next[0] == 0 {
            try skipZeros()
        }
        guard state == .between, let next = stream.pointee.next_in else { return }
        guard next[0] == 0x1F else { throw damaged("what follows its end is no further gzip member") }
        inflateReset(stream)
        state = .inside
    }

    private func skipZeros() throws(ColumnarError) {
        while let next = stream.pointee.next_in, stream.pointee.avail_in > 0, next[0] == 0 {
            stream.pointee.next_in = next + 1
            stream.pointee.avail_in -= 1
        }
        guard stream.pointee.avail_in == 0 else { throw damaged("zeros follow its end, and something after them") }
        try fill()
    }

    private func damaged(_ reason: String) -> ColumnarError {
        ColumnarError(
            .corruptFile, "The \(name) data is damaged at byte \(offset): \(reason). Copy or make the file again.",
            byteOffset: offset)
    }

    public func rewind() throws(ColumnarError) {
        try base.rewind()
        inflateReset(stream)
        stream.pointee.avail_in = 0
        (consumed, state, isPending) = (0, .inside, false)
    }
}
