import Glibc

/// A 64-bit hash of a file's size and of samples of its content: the whole of a small file, else 16 KB from its start,
/// middle and end. It tells a file whose metadata was touched from one whose content changed, at a cost that does not
/// grow with the file; it proves nothing about the parts between. Not cryptographic, never written to a protocol:
/// equal inputs hash alike on every host. 0 is never a hash: it stands for "not known".
enum SampledHash {
    static let block = 16 * 1024
    static let wholeFileLimit = 3 * block

    /// Hashes what `descriptor` has open, a file of `size` bytes. A file that shrank meanwhile gives some other hash.
    static func hash(_ descriptor: Int32, size: Int64, path: String) throws(SystemError) -> UInt64 {
        var hash = Mixer(size: size)
        if size <= Int64(wholeFileLimit) {
            try feed(&hash, descriptor, from: 0, count: Int(max(size, 0)), path)
        } else {
            let middle = (size / 2) & ~4095
            for offset in [0, middle, size - Int64(block)] {
                try feed(&hash, descriptor, from: offset, count: block, path)
            }
        }
        return hash.value
    }

    static func hash(_ content: [UInt8]) -> UInt64 {
        var hash = Mixer(size: Int64(content.count))
        if content.count <= wholeFileLimit {
            content.withUnsafeBytes { hash.add($0) }
        } else {
            let middle = (content.count / 2) & ~4095
            for offset in [0, middle, content.count - block] {
                content[offset..<(offset + block)].withUnsafeBytes { hash.add($0) }
            }
        }
        return hash.value
    }

    private static func feed(
        _ hash: inout Mixer, _ descriptor: Int32, from offset: Int64, count: Int, _ path: String
    ) throws(SystemError) {
        if count == 0 { return }
        let failure = withUnsafeTemporaryAllocation(byteCount: count, alignment: 16) { buffer -> SystemError? in
            var filled = 0
            while filled < count {
                let read = pread(
                    descriptor, buffer.baseAddress?.advanced(by: filled), count - filled, off_t(offset) + off_t(filled))
                if read < 0 {
                    if errno == EINTR { continue }
                    return .last("read", path)
                }
                if read == 0 { break }
                filled += read
            }
            hash.add(UnsafeRawBufferPointer(rebasing: buffer[..<filled]))
            return nil
        }
        if let failure { throw failure }
    }

    /// Multiply and fold, eight bytes at a step, as wyhash does.
    private struct Mixer {
        private var state: UInt64

        init(size: Int64) {
            state = 0x9e37_79b9_7f4a_7c15 ^ UInt64(bitPattern: size)
        }

        mutating func add(_ bytes: UnsafeRawBufferPointer) {
            var offset = 0
            while offset + 8 <= bytes.count {
                step(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
                offset += 8
            }
            var tail = UInt64(bytes.count - offset) << 56
            while offset < bytes.count {
                tail = (tail << 8) ^ UInt64(bytes[offset]) ^ (tail & 0xff << 56)
                offset += 1
            }
            step(tail)
        }

        private mutating func step(_ word: UInt64) {
            let (high, low) = (state ^ word).multipliedFullWidth(by: 0xa076_1d64_78bd_642f)
            state = (high ^ low) &+ 0xe703_7ed1_a0b4_28db
        }

        var value: UInt64 {
            let (high, low) = (state ^ 0x8ebc_6af0_9c88_c6e3).multipliedFullWidth(by: 0x5899_65cc_7537_4cc3)
            let folded = high ^ low
            return folded == 0 ? 1 : folded
        }
    }
}
