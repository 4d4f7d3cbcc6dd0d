import Glibc
import Testing
import UVLoop

@Suite("Watching descriptors", .timeLimit(.minutes(5)))
@LoopActor
struct LoopPollTests {
    private func pipePair() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    @Test("A pipe becomes readable when bytes arrive, and again at the end of file")
    func readable() async throws {
        let pipe = try pipePair()
        var read: [UInt8] = []
        var watch: LoopPoll?
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            watch = try? LoopPoll(descriptor: pipe.read, events: .readable) { ready, error in
                #expect(error == nil)
                #expect(ready.contains(.readable))
                var buffer = [UInt8](repeating: 0, count: 2)
                let count = Glibc.read(pipe.read, &buffer, 2)
                guard count > 0 else {
                    watch?.cancel()
                    return done.resume()
                }
                read += buffer.prefix(count)
            }
            #expect(write(pipe.write, "hello", 5) == 5)
            close(pipe.write)
        }
        #expect(read == Array("hello".utf8))
        close(pipe.read)
    }

    @Test("Watching can be paused, changed and taken up again")
    func change() async throws {
        var ends: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        var events: [PollEvents] = []
        var watch: LoopPoll?
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            watch = try? LoopPoll(descriptor: ends[0], events: .writable) { ready, _ in
                events.append(ready)
                if ready.contains(.writable) {
                    try? watch?.watch(.readable)
                    #expect(write(ends[1], "x", 1) == 1)
                } else {
                    try? watch?.watch([])
                    done.resume()
                }
            }
        }
        #expect(events == [.writable, .readable])
        watch?.cancel()
        close(ends[0])
        close(ends[1])
    }

    @Test("A descriptor that cannot be polled, or is watched already, is refused")
    func refused() throws {
        let file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
        #expect(throws: UVError.self) { try LoopPoll(descriptor: file, events: .readable) { _, _ in } }
        close(file)
        #expect(throws: UVError.self) { try LoopPoll(descriptor: -1, events: .readable) { _, _ in } }
        let pipe = try pipePair()
        let first = try LoopPoll(descriptor: pipe.read, events: .readable) { _, _ in }
        #expect(throws: UVError.self) { try LoopPoll(descriptor: pipe.read, events: .readable) { _, _ in } }
        first.cancel()
        close(pipe.read)
        close(pipe.write)
    }
}
