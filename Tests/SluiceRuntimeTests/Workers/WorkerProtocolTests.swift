import CFunctionABI
import FunctionProtocol
import SluiceRuntime
import Testing

@Suite("The protocol between host and worker")
struct WorkerProtocolTests {
    /// Feeds bytes in pieces and returns the frames.
    private func read(_ bytes: [UInt8], by size: Int, _ reader: inout FrameReader) throws -> [Frame] {
        var frames: [Frame] = []
        var at = 0
        while at < bytes.count {
            let piece = Array(bytes[at..<min(at + size, bytes.count)])
            piece.withUnsafeBytes { reader.feed($0, descriptors: []) }
            while let frame = try reader.next() { frames.append(frame) }
            at += size
        }
        return frames
    }

    @Test("Frames come out whole, wherever the stream was cut", arguments: [1, 2, 23, 24, 25, 70, 10_000])
    func cuts(size: Int) throws {
        let bodies: [[UInt8]] = [[], [1], Array(repeating: 7, count: 1000), [], [2, 3]]
        let stream = bodies.enumerated().flatMap {
            Frame.bytes(type: 20, id: UInt64($0), code: 9, sequence: 4, body: $1)
        }
        var reader = FrameReader()
        let frames = try read(stream, by: size, &reader)
        #expect(frames.map(\.body) == bodies)
        #expect(frames.map(\.header.id) == [0, 1, 2, 3, 4])
        #expect(frames.allSatisfy { $0.header.type == 20 && $0.header.code == 9 && $0.header.sequence == 4 })
    }

    @Test("A frame of four gigabytes is refused at its header")
    func tooLong() {
        var bytes = Frame.bytes(type: 18)
        bytes.replaceSubrange(0..<4, with: [255, 255, 255, 255])
        var reader = FrameReader()
        #expect(throws: FrameReader.Malformed.self) { try read(bytes, by: 100, &reader) }
    }

    @Test("Descriptors go to the frames that announce them, in order; one too few is refused, one too many is returned")
    func descriptors() throws {
        var reader = FrameReader()
        let bytes =
            Frame.bytes(type: 49, id: 1, hasDescriptors: true) + Frame.bytes(type: 50, id: 2)
            + Frame.bytes(type: 49, id: 3, hasDescriptors: true)
        bytes.withUnsafeBytes { reader.feed($0, descriptors: [41, 43, 44]) }
        #expect(try reader.next()?.descriptors == [41])
        #expect(try reader.next()?.descriptors == [])
        #expect(try reader.next()?.descriptors == [43])
        #expect(try reader.next() == nil)
        #expect(reader.takeDescriptors() == [44])
        Frame.bytes(type: 49, hasDescriptors: true).withUnsafeBytes { reader.feed($0, descriptors: []) }
        #expect(throws: FrameReader.Malformed.self) { try reader.next() }
    }

    private func report(_ text: String) -> CrashReport? { CrashReport(Array(text.utf8)) }

    @Test("A crash report is read, and its kind told")
    func crash() throws {
        let crash = try #require(
            report("signal b code 1 address 0\npc 7f01\npc 7f02\nmodule 7000 7f00 7fff /a folder/f.so\n"))
        #expect(crash.signal == 11)
        #expect(crash.frames == [0x7f01, 0x7f02])
        #expect(crash.modules.map(\.path) == ["/a folder/f.so"])
        #expect(crash.modules.map { [$0.base, $0.low, $0.high] } == [[0x7000, 0x7f00, 0x7fff]])
        #expect(crash.failure(memoryMegabytes: 1).code == "WorkerCrashed")
        #expect(report("signal b code 1 address 8\nstack\n")?.failure(memoryMegabytes: 1).code == "StackOverflow")
        let memory = report("signal 4 code 1 address 8\nallocation a00000000\n")?.failure(memoryMegabytes: 512)
        #expect(memory?.code == "OutOfMemory")
        #expect(memory?.message.contains("42949672960 bytes beyond its 512 MB") == true)
        #expect(report("end memory\n")?.failure(memoryMegabytes: 1).code == "OutOfMemory")
        #expect(report("end protocol\n")?.failure(memoryMegabytes: 1).code == "ProtocolError")
    }

    @Test(
        "What a handler writes into the crash pipe by mistake is no report, and never a trap",
        arguments: ["", "\n\n", "signal", "signal \n", "signal zz", "end", "module 1 2", "pc", "\u{0}\u{ff}nonsense"])
    func nonsense(text: String) {
        #expect(report(text) == nil)
    }
}
