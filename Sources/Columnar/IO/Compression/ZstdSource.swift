import CZstd

/// Decompresses Zstandard frames while reading; several frames in a row are one stream, as `zstd -d` has it.
public final class ZstdSource: ByteSource {
    private let base: any ByteSource
    private let context: OpaquePointer
    private let input: UnsafeMutableRawBufferPointer
    private var inputCount = 0
    private var inputPosition = 0
    private var isBetweenFrames = true
    /// Compressed bytes taken from the base source.
    private var consumed: Int64 = 0
    private let firstOffset: Int64

    /// - Parameter offset: where the compressed data begins in the file, for places in messages.
    /// - Throws: `ReadFailed` where memory for the decompressor cannot be had.
    public init(_ base: any ByteSource, offset: Int64 = 0) throws(ColumnarError) {
        guard let context = ZSTD_createDStream() else {
            throw ColumnarError(.readFailed, "Cannot make a Zstandard decompressor: out of memory.")
        }
        self.base = base
        firstOffset = offset
        self.context = context
        input = .allocate(byteCount: ZSTD_DStreamInSize(), alignment: 16)
        // Windows beyond 128 MiB are refused: a hostile file must not choose how much memory is taken.
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 27)
    }

    deinit {
        ZSTD_freeDStream(context)
        input.deallocate()
    }

    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int {
        var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
        while output.pos == 0 {
            if inputPosition == inputCount {
                inputCount = try base.read(into: input)
                inputPosition = 0
                consumed += Int64(inputCount)
                if inputCount == 0 {
                    guard isBetweenFrames else {
                        throw ColumnarError(
                            .corruptFile,
                            "The Zstandard data is cut off at byte \(firstOffset + consumed): it ends within a frame. Copy "
                                + "the file again.", byteOffset: firstOffset + consumed)
                    }
                    return 0
                }
            }
            var source = ZSTD_inBuffer(src: input.baseAddress, size: inputCount, pos: inputPosition)
            let result = ZSTD_decompressStream(context, &output, &source)
            inputPosition = source.pos
            if ZSTD_isError(result) != 0 {
                let offset = firstOffset + consumed - Int64(inputCount - inputPosition)
                throw ColumnarError(
                    .corruptFile,
                    "The Zstandard data is damaged at byte \(offset): \(String(cString: ZSTD_getErrorName(result))). "
                        + "Copy or make the file again.", byteOffset: offset)
            }
            isBetweenFrames = result == 0
        }
        return output.pos
    }

    public func rewind() throws(ColumnarError) {
        try base.rewind()
        ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
        (inputCount, inputPosition, consumed, isBetweenFrames) = (0, 0, 0, true)
    }
}
