import Glibc

/// Asks the system whether there is memory left, at places where a refusal can still be an error.
///
/// Deep in the encoders nothing can be done about an allocation that fails, there and in Swift's own library the
/// process ends. So what a step may take is asked for before it begins, in one piece, and given back untouched: this
/// costs two calls for half a megabyte of input. It sees what the system refuses (RLIMIT_AS, as of a worker's
/// `memorySize`, or strict overcommitting), not that the kernel will kill a process for want of memory later.
enum FreeMemory {
    /// What building a batch may take beyond a few times its own size: another region of pages, and tables that double.
    private static let reserve = 24 << 20

    /// Before something of a size that is known is read or made.
    /// - Throws: `OutOfMemory` where the system would refuse so many bytes.
    static func require(_ bytes: Int) throws(ColumnarError) {
        guard bytes > 0 else { return }
        guard let piece = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            piece != MAP_FAILED
        else {
            let megabytes = (bytes + 999_999) / 1_000_000
            throw ColumnarError(
                .outOfMemory,
                "Out of memory: the system refuses another \(megabytes) MB. Give the process more, or let it need less, by "
                    + "smaller row groups and on one thread.")
        }
        munmap(piece, bytes)
    }

    /// Before batches of records are built.
    static func require(toBuild batches: [RecordBatch]) throws(ColumnarError) {
        // A long text is in the batch, in its column's page, encoded and compressed.
        try require(batches.reduce(reserve) { $0 + 4 * $1.capacity })
    }

    /// Before so many bytes of values are built.
    static func require(toBuild bytes: Int) throws(ColumnarError) {
        try require(reserve + 4 * bytes)
    }
}
