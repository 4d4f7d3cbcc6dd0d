import Glibc

/// Fills batches with the bytes of a source: what one batch could not use comes first in the next.
struct BatchWindow {
    private let source: any ByteSource
    /// Bytes read from the source.
    private(set) var bytesRead: Int64 = 0
    private(set) var reachedEnd = false
    /// Whether the last line end of the batch is not in the input.
    private(set) var addedLineEnd = false
    private var carry: [UInt8] = []
    private var nextByteOffset: Int64 = 0

    init(_ source: any ByteSource) {
        self.source = source
    }

    /// Empties the batch and gives it the next bytes.
    mutating func fill(_ batch: RecordBatch, lineEnd: UInt8) throws(ColumnarError) {
        batch.clear()
        if carry.count > batch.capacity { batch.grow(to: carry.count) }
        carry.withUnsafeBufferPointer { bytes in
            if let address = bytes.baseAddress { memcpy(batch.base + batch.end, address, bytes.count) }
        }
        batch.end += carry.count
        carry.removeAll(keepingCapacity: true)
        batch.byteOffset = nextByteOffset
        try load(batch, lineEnd: lineEnd)
    }

    /// Fills what room the batch has; at the end of the input a missing line end is added.
    private mutating func load(_ batch: RecordBatch, lineEnd: UInt8) throws(ColumnarError) {
        let limit = batch.capacity + RecordBatch.padding
        while !reachedEnd, batch.end < limit {
            let room = UnsafeMutableRawBufferPointer(start: batch.base + batch.end, count: limit - batch.end)
            let count = try source.read(into: room)
            if count == 0 {
                reachedEnd = true
                // The padding has room for it where the batch is full.
                if batch.end > RecordBatch.padding, batch.base[batch.end - 1] != lineEnd {
                    batch.base[batch.end] = lineEnd
                    batch.end += 1
                    addedLineEnd = true
                }
            }
            batch.end += count
            bytesRead += Int64(count)
        }
        // Whole words are loaded beyond the end.
        memset(batch.base + batch.end, 0, min(8, batch.capacity + 2 * RecordBatch.padding - batch.end))
    }

    /// Looks at the first batch of an input: skips a byte order mark, and finds the line end.
    /// - Parameter isDelimiterKnown: whether the dialect's delimiter is that of the input.
    /// - Throws: `EmptyFile`, `NotText`.
    mutating func begin(
        _ batch: RecordBatch, dialect: inout CSVDialect, isDelimiterKnown: Bool
    ) throws(ColumnarError) {
        func lineEnd() -> UInt8? {
            let bytes = UnsafePointer(batch.base)
            let hasMark =
                batch.end - batch.start >= 3 && bytes[batch.start] == 0xEF && bytes[batch.start + 1] == 0xBB
                && bytes[batch.start + 2] == 0xBF
            return DialectSniffer.lineEnd(
                bytes, from: batch.start + (hasMark ? 3 : 0), to: batch.end - (addedLineEnd ? 1 : 0),
                isFinal: reachedEnd, dialect: dialect, isDelimiterKnown: isDelimiterKnown)
        }
        // A small window without a line feed says too little about the line end.
        var found = lineEnd()
        while found == nil, !reachedEnd {
            try enlarge(batch, lineEnd: dialect.lineEnd)
            found = lineEnd()
        }
        let bytes = UnsafePointer(batch.base)
        if batch.end - batch.start >= 3, bytes[batch.start] == 0xEF, bytes[batch.start + 1] == 0xBB,
            bytes[batch.start + 2] == 0xBF
        {
            batch.start += 3
        }
        let isBlank = reachedEnd && (batch.start..<batch.end).allSatisfy { bytes[$0] == 10 || bytes[$0] == 13 }
        guard batch.start < batch.end, !isBlank else {
            throw ColumnarError(
                .emptyFile,
                "The file is empty: it has neither a header nor a record. Check what writes it, and that the writing "
                    + "was finished.", byteOffset: 0)
        }
        try TextDetection.check(
            UnsafeBufferPointer(start: bytes + batch.start, count: min(batch.end - batch.start, 64 << 10)))
        let textEnd = batch.end - (addedLineEnd ? 1 : 0)
        dialect.lineEnd = found ?? 10
        if dialect.lineEnd == 13, addedLineEnd {
            if bytes[textEnd - 1] == 13 { batch.end = textEnd } else { batch.base[textEnd] = 13 }
        }
    }

    /// Makes the batch larger and reads on, for a record that does not fit.
    mutating func enlarge(_ batch: RecordBatch, lineEnd: UInt8) throws(ColumnarError) {
        try FreeMemory.require(toBuild: batch.capacity * 2)
        batch.grow(to: batch.capacity * 2)
        try load(batch, lineEnd: lineEnd)
    }

    /// Keeps what follows the last complete record for the next batch.
    mutating func keepRest(of batch: RecordBatch) {
        let rest = batch.end - batch.consumedEnd
        carry.append(contentsOf: UnsafeBufferPointer(start: batch.base + batch.consumedEnd, count: rest))
        nextByteOffset = batch.inputOffset(batch.consumedEnd)
    }
}
