import Columnar
import Foundation
import Testing

/// The small matcher of regular expressions.
@Suite("Quality patterns", .timeLimit(.minutes(5)))
struct QualityPatternTests {
    @Test(
        "Whole values match",
        arguments: [
            ("", "", true), ("", "a", false), ("a", "a", true), ("a", "ab", false), ("a|bc", "bc", true),
            ("[^@ ]+@[^@ ]+", "ada@example.org", true), ("[^@ ]+@[^@ ]+", "ada@@example.org", false),
            ("^\\d{5}$", "01234", true), ("^\\d{5}$", "0123", false), ("\\d{2,3}", "1234", false),
            ("(ab){2,}", "ababab", true), ("(?:ab)?c", "c", true), (".", "€", true), (".", "😀", true),
            (".", "\n", false),
            ("[ä-ü]+", "äöü", true), ("[ä-ü]", "a", false), ("[^a]", "€", true), ("(?i)berlin", "BerLIN", true),
            ("(?i)[a-f]+", "AbCdEF", true), ("\\u20AC\\x31", "€1", true), ("\\u{1F600}", "😀", true),
            ("a^b", "ab", false), ("a$", "a", true), ("[]a]+", "]a", true), ("[a-]+", "-a", true), ("\\.", "x", false),
            ("[\\d_]+", "1_2", true), ("[^\\W\\d]+", "ab_", true), ("a*?b+?", "aab", true),
            ("[\u{0}-\u{10FFFF}]", "\u{7FF}", true),
        ] as [(String, String, Bool)])
    func wholeValues(pattern: String, value: String, expected: Bool) throws {
        #expect(try QualityPattern(pattern).matches(value) == expected)
    }

    @Test(
        "What cannot be matched in linear time, or makes no sense, is refused with its place",
        arguments: [
            "(a", "a)", "[a", "*a", "a{2", "a{3,2}", "a{1001}", "a**", "(?=a)", "(?<n>a)", "\\1", "\\b", "[z-a]", "\\",
            "[[:alpha:]]", "\\u{110000}", "\\xZZ", "((a{1000}){1000}){1000}", "(?i", "a++",
        ])
    func refused(pattern: String) {
        let error = #expect(throws: ColumnarError.self) { try QualityPattern(pattern) }
        #expect(error?.code == .invalidRule)
    }

    @Test("Deep nesting is refused, not followed")
    func deep() {
        let pattern = String(repeating: "(", count: 100_000) + String(repeating: ")", count: 100_000)
        #expect(throws: ColumnarError.self) { try QualityPattern(pattern) }
    }

    @Test("Patterns that choke backtracking matchers take linear time")
    func linear() throws {
        let value = String(repeating: "a", count: 100_000)
        for text in ["(a*)*b", "(a|a)*b", "(a|aa)+b", "(.*)(.*)(.*)(.*)x", "(a?){500}a{500}b"] {
            #expect(try !QualityPattern(text).matches(value))
        }
        #expect(try QualityPattern("(a*)*").matches(value))
    }

    @Test("Thousands of random patterns agree with Python's re")
    func random() throws {
        let lines = try ReaderPython.run(script: "quality_patterns.py", ["20240531"]).split(separator: "\n")
        #expect(lines.count == 3000)
        var matched = 0
        for line in lines {
            let fields = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [Any])
            let pattern = try #require(fields[0] as? String)
            let value = try #require(fields[1] as? String)
            let expected = try #require(fields[2] as? Bool)
            if expected { matched += 1 }
            #expect(try QualityPattern(pattern).matches(value) == expected, "\(pattern) on \(value)")
        }
        #expect((500...2500).contains(matched))
    }
}
