import CLinux
import Glibc
import Testing

@Suite("Pages of the program")
struct ProgramPagesTests {
    /// Resident pages of files, in bytes.
    private static func residentFiles() -> Int {
        var text = [UInt8](repeating: 0, count: 200)
        let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        let count = read(file, &text, text.count)
        let fields = String(decoding: text.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
        return (fields.count > 2 ? Int(fields[2]) ?? 0 : 0) * sysconf(Int32(_SC_PAGESIZE))
    }

    @Test("what the program has touched of its own file goes back, and everything is there as before")
    func pages() async {
        await #expect(processExitsWith: .success) {
            let words = (0..<100).map { "word \($0)" }
            let before = Self.residentFiles()
            clinux_return_program_pages()
            let after = Self.residentFiles()
            precondition(after < before - (1 << 20), "\(before) bytes before, \(after) after")
            // Code and constants come back, and what was changed was never gone.
            precondition(words.joined().utf8.count == 690 && Set(words).count == 100)
            precondition("\(Double.pi)" == "3.141592653589793")
        }
    }
}
