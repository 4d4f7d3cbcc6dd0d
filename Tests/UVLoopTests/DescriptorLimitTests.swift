import CLinux
import Glibc
import Testing

@Suite("Limits of descriptors")
struct DescriptorLimitTests {
    @Test("the host may have all that it can, and what it starts has what it had")
    func limits() async {
        // In a process of its own, where the limit may be low at first and high at last.
        await #expect(processExitsWith: .success) {
            var least = rlimit()
            try #require(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &least) == 0)
            least.rlim_cur = min(least.rlim_max, 256)
            try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &least) == 0)
            let before = clinux_descriptor_limit()
            clinux_raise_descriptor_limit()
            #expect(clinux_descriptor_limit() == least.rlim_max)

            var ends: [Int32] = [-1, -1]
            #expect(clinux_pipe(&ends) == 0)
            let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
            let (input, output) = (clinux_duplicate(null, 16), clinux_duplicate(ends[1], 16))
            close(null)
            close(ends[1])
            var pid: pid_t = 0
            // The limit is set once the program has begun.
            let arguments: [String] = ["/bin/sh", "-c", "sleep 0.2; ulimit -S -n"]
            let words = arguments.map { strdup($0) } + [nil]
            defer { for word in words { free(word) } }
            #expect(clinux_spawn(&pid, "/bin/sh", words, [nil], [input, output, output], 3) == 0)
            close(input)
            close(output)
            var text = ""
            var buffer = [UInt8](repeating: 0, count: 100)
            while case let count = read(ends[0], &buffer, buffer.count), count > 0 {
                text += String(decoding: buffer[..<count], as: UTF8.self)
            }
            close(ends[0])
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            #expect(text == "\(before)\n")
        }
    }
}
