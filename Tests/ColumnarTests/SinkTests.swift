import Columnar
import Foundation
import Testing

@Suite("Sinks")
struct SinkTests {
    /// Bytes of which pieces can be made, which stay where they are.
    private final class Bytes {
        let all: UnsafeMutableRawBufferPointer

        init(_ bytes: some Collection<UInt8>) {
            all = .allocate(byteCount: bytes.count, alignment: 1)
            all.copyBytes(from: bytes)
        }

        deinit { all.deallocate() }

        func piece(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: all[range]) }
    }

    private func content(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    @Test(
        "what is written in pieces, more than a call may have and some of them empty, lies in the file in their order")
    func pieces() throws {
        let folder = try ScratchFolder()
        let path = folder.path("pieces")
        let bytes = Bytes((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
        var pieces: [UnsafeRawBufferPointer] = []
        var position = 0
        while position < bytes.all.count {
            let count = min(pieces.count % 7 * 300, bytes.all.count - position)
            pieces.append(bytes.piece(position..<position + count))
            position += count
        }
        #expect(pieces.count > 3000)
        let sink = try FileSink(path: path)
        let memory = MemorySink()
        try sink.write(gathering: pieces)
        try sink.write(gathering: [])
        try memory.write(gathering: pieces)
        let expected = Array(bytes.all)
        #expect(try content(path) == expected)
        #expect(memory.bytes == expected)
    }

    @Test("pieces that cannot be written are an error")
    func refused() throws {
        let sink = try FileSink(path: "/dev/full")
        let bytes = Bytes([1, 2, 3])
        let error = columnarError { try sink.write(gathering: [bytes.piece(0..<2), bytes.piece(1..<3)]) }
        #expect(error?.code == .writeFailed)
    }

    @Test("a sink that took pieces can take them back")
    func reset() throws {
        let folder = try ScratchFolder()
        let path = folder.path("again")
        let bytes = Bytes([1, 2, 3, 4])
        let sink = try FileSink(path: path)
        try sink.write(gathering: [bytes.piece(0..<3)])
        try sink.reset()
        try sink.write(gathering: [bytes.piece(3..<4)])
        #expect(try content(path) == [4])
    }
}
