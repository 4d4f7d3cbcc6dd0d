import Foundation
import SluiceRuntime
import Testing

@Suite("Lines of small texts that differ")
struct TextComparisonTests {
    @Test("Lines that went and came, with where they begin")
    func lines() throws {
        let old = "a\nb\nc\nd\n"
        #expect(TextComparison.lines(old: old, new: "a\nB\nc\nd\ne\n") == ["@ 2", "- b", "+ B", "@ 5", "+ e"])
        #expect(TextComparison.lines(old: old, new: old) == [])
        #expect(
            TextComparison.lines(old: "a\n", new: "a") == [
                "the last line has an end in one of them only"
            ])
        let long = String(repeating: "same\n", count: 3000)
        #expect(TextComparison.lines(old: long + "x\n" + long, new: long + "y\n" + long) == ["@ 3001", "- x", "+ y"])
        #expect(TextComparison.lines(old: "", new: "a\n") == ["@ 1", "+ a"])
        #expect(TextComparison.lines(old: "a\r\nb\r\n", new: "a\r\nc\r\n") == ["@ 2", "- b\\r", "+ c\\r"])
        #expect(TextComparison.lines(old: "a\n", new: "a\r\n") == ["@ 1", "- a", "+ a\\r"])
        let spelt = try #require(TextComparison.lines(old: "caf\u{e9}\n", new: "cafe\u{301}\n"))
        #expect(spelt.count == 3, "two spellings of one text are two texts")
    }

    @Test("However much differs, little is told; of long lines the part that differs")
    func bounded() throws {
        let many = try #require(
            TextComparison.lines(
                old: (0..<400).map { "old \($0)\n" }.joined(), new: (0..<400).map { "new \($0)\n" }.joined()))
        #expect(many.count <= 23 && many.last?.contains("780 more lines") == true, "\(many.suffix(2))")
        let (start, end) = (String(repeating: "x", count: 5000), String(repeating: "y", count: 5000))
        let long = try #require(TextComparison.lines(old: start + "1" + end, new: start + "2" + end))
        #expect(long.count == 3 && long[1].contains("x1y") && long[2].contains("x2y"))
        #expect(long.allSatisfy { $0.utf8.count < 200 })
        #expect(TextComparison.lines(old: String(repeating: "\n", count: 5000), new: "") == nil)
    }

    @Test("What is large, or no text, has no lines")
    func files() throws {
        let folder = TemporaryFolder(name: "text")
        func file(_ name: String, _ bytes: [UInt8]) throws -> String {
            let path = "\(folder.path)/\(name)"
            try Data(bytes).write(to: URL(filePath: path))
            return path
        }
        let text = try file("text", Array("{}\n".utf8))
        #expect(TextComparison.lines(text, try file("other", Array("[]\n".utf8))) == ["@ 1", "- {}", "+ []"])
        #expect(TextComparison.lines(text, try file("zero", [0x31, 0])) == nil)
        #expect(TextComparison.lines(text, try file("latin", [0xe9])) == nil)
        #expect(TextComparison.lines(text, try file("large", Array(repeating: 0x61, count: 65 << 10))) == nil)
        #expect(TextComparison.lines(text, "\(folder.path)/none") == nil)
    }
}
