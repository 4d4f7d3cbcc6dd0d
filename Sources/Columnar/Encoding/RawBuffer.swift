import Glibc

/// A growable run of bytes without bounds checks, for encoders. Its owner must call `free()`.
///
/// Grows by `realloc`, which moves large blocks by remapping pages instead of copying, and leaves untouched pages
/// without memory.
struct RawBuffer {
    private(set) var base: UnsafeMutablePointer<UInt8>
    private(set) var capacity: Int
    var count = 0

    init(capacity: Int = 256) {
        self.capacity = max(64, capacity)
        base = RawBuffer.allocate(nil, self.capacity)
    }

    func free() {
        Glibc.free(base)
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// Makes room for `extra` more bytes.
    @inline(__always)
    mutating func reserve(_ extra: Int) {
        if count &+ extra > capacity { grow(extra) }
    }

    @inline(never)
    private mutating func grow(_ extra: Int) {
        capacity = max(capacity * 2, count + extra)
        base = RawBuffer.allocate(base, capacity)
    }

    private static func allocate(_ old: UnsafeMutablePointer<UInt8>?, _ size: Int) -> UnsafeMutablePointer<UInt8> {
        guard let memory = realloc(old, size) else {
            // As Swift's own allocation does; `FreeMemory` has asked before, where it could be an error.
            preconditionFailure("out of memory: \(size) bytes for a column buffer")
        }
        return memory.assumingMemoryBound(to: UInt8.self)
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        reserve(1)
        base[count] = byte
        count &+= 1
    }

    @inline(__always)
    mutating func append(_ source: UnsafePointer<UInt8>, _ length: Int) {
        reserve(length)
        memcpy(base + count, source, length)
        count &+= length
    }

    mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { if let start = $0.baseAddress { append(start, bytes.count) } }
    }

    /// Appends the bytes of a number in little-endian order.
    @inline(__always)
    mutating func append<Number: FixedWidthInteger>(littleEndian value: Number) {
        let width = MemoryLayout<Number>.size
        reserve(width)
        UnsafeMutableRawPointer(base + count).storeBytes(of: value.littleEndian, as: Number.self)
        count &+= width
    }

    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    mutating func append(zigzag value: Int64) {
        append(varint: UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }
}

/// Loads eight bytes as a little-endian word; the memory must be readable.
@inline(__always)
func loadWord(_ pointer: UnsafePointer<UInt8>) -> UInt64 {
    UInt64(littleEndian: UnsafeRawPointer(pointer).loadUnaligned(as: UInt64.self))
}
