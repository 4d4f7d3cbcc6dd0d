import CSnappy
import CZlib
import CZstd
import Glibc

/// Compresses pages. Used by one thread at a time.
final class PageCompressor {
    /// Of pages in general.
    let codec: CompressionCodec
    /// What texts may have instead where it makes them clearly smaller; nil where `codec` was asked for.
    let textCodec: CompressionCodec?
    private let level: Int32
    /// Of Zstandard; made when first needed.
    private var context: OpaquePointer?
    /// Of gzip; at one place for its lifetime, since zlib's state points back to it.
    fileprivate let deflater: UnsafeMutablePointer<z_stream>?
    fileprivate(set) var output = RawBuffer(capacity: 1 << 16)

    init(_ compression: ParquetWriterOptions.Compression) throws(ColumnarError) {
        if case .automatic = compression { textCodec = .zstd } else { textCodec = nil }
        switch compression {
        case .none: (codec, level) = (.uncompressed, 0)
        case .automatic, .snappy: (codec, level) = (.snappy, 0)
        case .zstd(let value):
            guard (1...22).contains(value) else {
                throw ColumnarError(.unsupported, "The Zstandard level must be 1 to 22; it is \(value).")
            }
            (codec, level) = (.zstd, Int32(value))
        case .gzip(let value):
            guard (1...9).contains(value) else {
                throw ColumnarError(.unsupported, "The gzip level must be 1 to 9; it is \(value).")
            }
            (codec, level) = (.gzip, Int32(value))
        }
        if codec == .gzip {
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            stream.initialize(to: z_stream())
            // 15 bits of window, and 16: with gzip's header and trailer.
            guard czlib_deflate_init(stream, level, 15 + 16) == Z_OK else {
                stream.deallocate()
                throw ColumnarError(.writeFailed, "Cannot make a gzip compressor: out of memory.")
            }
            deflater = stream
        } else {
            deflater = nil
        }
    }

    deinit {
        ZSTD_freeCCtx(context)
        if let deflater {
            deflateEnd(deflater)
            deflater.deallocate()
        }
        output.free()
    }

    /// Compresses into `output`.
    /// - Parameter other: `textCodec`, or nil for `codec`.
    func compress(_ bytes: UnsafeRawBufferPointer, as other: CompressionCodec? = nil) throws(ColumnarError) {
        output.count = 0
        switch other ?? codec {
        case .snappy:
            var size = snappy_max_compressed_length(bytes.count)
            output.reserve(size)
            let result = output.base.withMemoryRebound(to: CChar.self, capacity: output.capacity) { target in
                snappy_compress(bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, target, &size)
            }
            guard result == SNAPPY_OK else { throw ColumnarError(.writeFailed, "Snappy cannot compress a page.") }
            output.count = size
        case .zstd:
            output.reserve(ZSTD_compressBound(bytes.count))
            let size = ZSTD_compress2(
                try zstdContext(), output.base, output.capacity, bytes.baseAddress, bytes.count)
            guard ZSTD_isError(size) == 0 else {
                throw ColumnarError(
                    .writeFailed, "Zstandard cannot compress a page: \(String(cString: ZSTD_getErrorName(size))).")
            }
            output.count = size
        case .gzip: try deflate(bytes)
        default:
            if let start = bytes.baseAddress { output.append(start.assumingMemoryBound(to: UInt8.self), bytes.count) }
        }
    }
}

extension PageCompressor {
    private func zstdContext() throws(ColumnarError) -> OpaquePointer {
        if let context { return context }
        guard let made = ZSTD_createCCtx() else {
            throw ColumnarError(.writeFailed, "Cannot make a Zstandard compressor: out of memory.")
        }
        context = made
        var settings: [(ZSTD_cParameter, Int32)] = [(ZSTD_c_compressionLevel, level)]
        if textCodec == .zstd {
            // What texts gain comes from the entropy coder. A small table of places keeps to the processor's first
            // cache; with it Zstandard is as fast on texts as Snappy, and finds nearly as much as with level 1's own.
            settings = [(ZSTD_c_compressionLevel, 1), (ZSTD_c_hashLog, 12), (ZSTD_c_minMatch, 6)]
        }
        for (parameter, value) in settings {
            let result = ZSTD_CCtx_setParameter(made, parameter, value)
            guard ZSTD_isError(result) == 0 else {
                throw ColumnarError(
                    .writeFailed,
                    "Zstandard refuses a setting: \(String(cString: ZSTD_getErrorName(result))).")
            }
        }
        return made
    }

    fileprivate func deflate(_ bytes: UnsafeRawBufferPointer) throws(ColumnarError) {
        guard let deflater, deflateReset(deflater) == Z_OK, bytes.count <= Int(UInt32.max) else {
            throw ColumnarError(.writeFailed, "gzip cannot compress a page.")
        }
        let bound = Int(deflateBound(deflater, UInt(bytes.count)))
        output.reserve(bound)
        // zlib does not write to its input.
        deflater.pointee.next_in = bytes.baseAddress.map {
            UnsafeMutablePointer(mutating: $0.assumingMemoryBound(to: UInt8.self))
        }
        deflater.pointee.avail_in = UInt32(bytes.count)
        deflater.pointee.next_out = output.base
        deflater.pointee.avail_out = UInt32(clamping: output.capacity)
        guard CZlib.deflate(deflater, Z_FINISH) == Z_STREAM_END else {
            throw ColumnarError(.writeFailed, "gzip cannot compress a page.")
        }
        output.count = Int(deflater.pointee.total_out)
    }
}

/// What a thread needs to finish pages: a compressor and room to encode.
final class PageWorkspace {
    let compressor: PageCompressor
    var page = RawBuffer(capacity: 1 << 16)
    private var numberMemory: UnsafeMutablePointer<Int64>
    private var numberCapacity = 4096
    private var flagMemory: UnsafeMutablePointer<UInt8>
    private var flagCapacity = 1024

    init(_ compression: ParquetWriterOptions.Compression) throws(ColumnarError) {
        numberMemory = .allocate(capacity: numberCapacity)
        flagMemory = .allocate(capacity: flagCapacity)
        compressor = try PageCompressor(compression)
    }

    deinit {
        page.free()
        numberMemory.deallocate()
        flagMemory.deallocate()
    }

    /// Zeros, a byte each; what was there is void.
    func flags(_ count: Int) -> UnsafeMutablePointer<UInt8> {
        if count > flagCapacity {
            flagMemory.deallocate()
            flagCapacity = 2 * count
            flagMemory = .allocate(capacity: flagCapacity)
        }
        memset(flagMemory, 0, count)
        return flagMemory
    }

    /// Room for `count` numbers; what it held is void.
    func numbers(_ count: Int) -> UnsafeMutablePointer<Int64> {
        if count > numberCapacity {
            numberMemory.deallocate()
            numberMemory = .allocate(capacity: count)
            numberCapacity = count
        }
        return numberMemory
    }
}
