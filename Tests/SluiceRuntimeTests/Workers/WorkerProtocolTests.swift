import CFunctionABI
import FunctionJSON
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

    @Test("Descriptors go to the frames that announce them, in order; one too few is refused, and so is one too many")
    func descriptors() throws {
        var reader = FrameReader()
        let bytes =
            Frame.bytes(type: 49, id: 1, hasDescriptors: true) + Frame.bytes(type: 50, id: 2)
            + Frame.bytes(type: 49, id: 3, hasDescriptors: true)
        bytes.withUnsafeBytes { reader.feed($0, descriptors: [41, 43, 44]) }
        #expect(try reader.next()?.descriptors == [41])
        #expect(try reader.next()?.descriptors == [])
        #expect(try reader.next()?.descriptors == [43])
        #expect(throws: FrameReader.Malformed.self) { try reader.next() }
        #expect(reader.takeDescriptors() == [44])
        Frame.bytes(type: 49, hasDescriptors: true).withUnsafeBytes { reader.feed($0, descriptors: []) }
        #expect(throws: FrameReader.Malformed.self) { try reader.next() }
    }

    @Test("Of a frame that has not come whole its own descriptor may be there, and no other")
    func earlyDescriptors() throws {
        let bytes = Frame.bytes(type: 49, id: 1, body: [1, 2, 3], hasDescriptors: true)
        for cut in [1, 23, 24, 26] {
            var reader = FrameReader()
            bytes[..<cut].withUnsafeBytes { reader.feed($0, descriptors: [41]) }
            #expect(try reader.next() == nil)
            bytes[cut...].withUnsafeBytes { reader.feed($0, descriptors: []) }
            #expect(try reader.next()?.descriptors == [41])
            #expect(try reader.next() == nil)
            bytes[..<cut].withUnsafeBytes { reader.feed($0, descriptors: [41, 42]) }
            #expect(throws: FrameReader.Malformed.self) { try reader.next() }
        }
    }

    @Test("A handler's words are cut where they would be kept for every attempt")
    func longFailures() throws {
        let long = Failure(
            code: String(repeating: "C", count: 5000), message: String(repeating: "é", count: 1 << 20), retry: false)
        let cut = long.bounded
        #expect(cut.code.utf8.count < 210 && cut.message.utf8.count <= 16 << 10 + 4 && cut.retry == false)
        #expect(cut.message.hasSuffix("é…"))
        let short = Failure(code: "A", message: "b")
        #expect(short.bounded == short)

        guard
            case .failure(let single) = AttemptReport.Outcome(
                code: UInt32(SLUICE_OUTCOME_ERROR), body: try TapeEncoder().encode(long))
        else { return #expect(Bool(false)) }
        #expect(single == cut)
        let answer = BatchAnswer(results: (0..<200).map { _ in .init(status: .failed, failure: long) })
        guard
            case .batch(let batch) = AttemptReport.Outcome(
                code: UInt32(SLUICE_OUTCOME_BATCH), body: try TapeEncoder().encode(answer))
        else { return #expect(Bool(false)) }
        #expect(batch.results.count == 200 && batch.results.allSatisfy { $0.failure?.code == cut.code })
        #expect(batch.results.reduce(0) { $0 + ($1.failure?.message.utf8.count ?? 0) } <= 1 << 20)
    }

    @Test("Empty lines are counted too")
    func emptyLines() {
        var capture = LogCapture()
        let lines = [UInt8](repeating: UInt8(ascii: "\n"), count: 100_000)
        capture.add(lines[...], from: .stdout, at: 1)
        capture.finish(at: 2)
        #expect(capture.lines.count == LogCapture.maximumLines + 1)
        #expect(capture.lines.last?.text.contains("dropped") == true)
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
        #expect(memory?.message.contains("40960 MB more than its 512 MB allow") == true)
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
