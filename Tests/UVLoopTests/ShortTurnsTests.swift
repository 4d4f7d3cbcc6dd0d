import CLinux
import Glibc
import Testing

/// Turns that this kernel gives at a thread's wish: below Linux 6.12 all are as it likes, and nothing can be seen.
private let hasTurns = {
    var names = utsname()
    guard uname(&names) == 0 else { return false }
    let release = withUnsafeBytes(of: &names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    let numbers = release.split { $0 == "." || $0 == "-" }.prefix(2).compactMap { Int($0) }
    return numbers.count == 2 && (numbers[0], numbers[1]) >= (6, 12) && clinux_turn(0) > 0
}()

@Suite("Turns on a processor", .enabled(if: hasTurns, "the kernel is older"))
struct ShortTurnsTests {
    @Test("a thread's own are short, those of threads and programs that it starts are as usual")
    func turns() async {
        // In a process of its own: the thread stays as it is.
        await #expect(processExitsWith: .success) {
            let usual = clinux_turn(0)
            try #require(usual > 100_000)
            #expect(clinux_ask_short_turns() == 0)
            #expect(clinux_turn(0) == 100_000)
            // A second time it is no different.
            #expect(clinux_ask_short_turns() == 0)
            #expect(clinux_turn(0) == 100_000)

            var thread = pthread_t()
            pthread_create(&thread, nil, { _ in UnsafeMutableRawPointer(bitPattern: UInt(clinux_turn(0))) }, nil)
            var answer: UnsafeMutableRawPointer?
            pthread_join(thread, &answer)
            #expect(UInt64(UInt(bitPattern: answer)) == usual)

            var ends: [Int32] = [-1, -1]
            #expect(clinux_pipe(&ends) == 0)
            let (input, output) = (clinux_duplicate(ends[0], 16), clinux_duplicate(open("/dev/null", O_WRONLY), 16))
            let program: [String] = ["/bin/cat"]
            let words = program.map { strdup($0) } + [nil]
            defer { for word in words { free(word) } }
            var pid: pid_t = 0
            #expect(clinux_spawn(&pid, "/bin/cat", words, [nil], [input, output, output], 3) == 0)
            #expect(clinux_turn(pid) == usual)
            // The end of its input, of which it has no other copy.
            close(ends[1])
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            #expect(status == 0)
        }
    }

    @Test("who has more than the usual priority keeps it, also for what it starts")
    func priority() async {
        await #expect(processExitsWith: .success) {
            // Only root may.
            guard setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, -5) == 0 else { return }
            #expect(clinux_ask_short_turns() == -1)
            #expect(getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) == -5)
        }
    }
}
