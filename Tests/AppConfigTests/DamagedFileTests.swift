import AppConfig
import EventPatterns
import Foundation
import Testing

/// A host reads an app folder at each deployment: whatever lies there may be refused, but must not end the host, nor
/// keep it busy. The files are those that the documentation shows, so that new options take part by being documented.
@Suite("Configuration files, damaged at random")
struct DamagedFileTests {
    private static let seconds = ProcessInfo.processInfo.environment["SLUICE_FUZZ_SECONDS"].flatMap(Double.init) ?? 0
    private static let seed = ProcessInfo.processInfo.environment["SLUICE_FUZZ_SEED"].flatMap(UInt64.init) ?? 1

    private static let places = [
        "sluice.yaml", "Functions/CSVToParquet/function.yaml", "Events/rules/r.yaml", "Events/schedules/s.yaml",
        "Events/alarms/a.yaml",
    ]

    @Test("are read or refused, with findings that name the file")
    func damaged() throws {
        let texts = try Self.documentedTexts()
        #expect(texts.count >= 25)
        let clock = ContinuousClock()
        let start = clock.now
        var generator = DamagedText(seed: Self.seed)
        var round = 0
        var loaded = 0
        while round < 400 || (clock.now - start) / .seconds(1) < Self.seconds {
            round += 1
            let place = Self.places[generator.below(Self.places.count)]
            let text = generator.damaged(texts[generator.below(texts.count)])
            let path = FileManager.default.temporaryDirectory.appending(path: "sluice-damaged-last.yaml").path
            if Self.seconds > 0 { try Data(text.utf8).write(to: URL(filePath: path)) }
            let began = clock.now
            do {
                _ = try TestApp.load(TestApp.files([place: text]))
                loaded += 1
            } catch let error as ConfigError {
                #expect(!error.findings.isEmpty, "\(text)")
                #expect(error.findings.allSatisfy { !$0.file.isEmpty && !$0.message.isEmpty }, "\(text)")
            }
            if Self.seconds > 0, clock.now - began > .seconds(1) { print("\(clock.now - began) for \(place): \(text)") }
        }
        if Self.seconds > 0 { print("\(round) rounds, \(loaded) loaded") }
    }

    /// The YAML of the guides and of this repository's own app.
    private static func documentedTexts() throws -> [String] {
        var root = URL(filePath: #filePath)
        for _ in 0..<3 { root.deleteLastPathComponent() }
        var texts: [String] = []
        for guide in try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "docs").path).sorted()
        where guide.hasSuffix(".md") {
            let text = try String(contentsOf: root.appending(path: "docs/\(guide)"), encoding: .utf8)
            for block in text.components(separatedBy: "```yaml\n").dropFirst() {
                if let end = block.range(of: "```") { texts.append(String(block[..<end.lowerBound])) }
            }
        }
        for name in ["sluice.yaml", "Functions/CSVToParquet/function.yaml", "Events/rules/csv-landed.yaml"] {
            texts.append(try String(contentsOf: root.appending(path: name), encoding: .utf8))
        }
        return texts
    }
}

/// Makes damaged texts of whole ones.
private struct DamagedText {
    private var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func below(_ bound: Int) -> Int { random.below(bound) }

    /// What stands in a file where something else is expected.
    private static let values = [
        "", "~", "null", "true", "no", "0", "-1", "-0", "012", "1e3", "1e999", "9223372036854775807",
        "9223372036854775808", "-9223372036854775808", "99999999999999999999999999", "1.5", ".inf", ".nan",
        "0x7fffffff",
        "9223372036854775807s", "99999999999d", "-5m", "1e3GB", "9223372036854775807GB", "[]", "{}", "[[]]", "[{}]",
        "{a: 1}", "[1, x, null]", "\"\"", "\"\\0\"", "\"a\\u0000b\"", "'*'", "'**'", "'?'", "../../etc", "/", ".",
        "\"\u{1F600}\"", "&a [1]", "*a", "!!binary aGVsbG8=", "!x y", "<<: *a", "| \n  text", "> \n  text",
        "2026-02-30",
        "rate(0 minutes)", "rate(99999999999999999999 days)", "cron(0 0 31 2 ? *)", "at(9999-12-31T23:59:59)", "1/0",
        "%", "<aws.events.event>", "$.detail", "$.", "{\"a\": <b>}", "{numeric: ['>', 1, '<', 0]}",
    ]

    mutating func damaged(_ text: String) -> String {
        var lines = text.components(separatedBy: "\n")
        for _ in 0...below(4) {
            guard !lines.isEmpty else { break }
            let place = below(lines.count)
            switch below(10) {
            case 0, 1, 2, 3:
                let value = Self.values[below(Self.values.count)]
                if let colon = lines[place].range(of: ": ") ?? lines[place].range(of: "- ") {
                    lines[place] = lines[place][..<colon.upperBound] + value
                }
            case 4: lines.remove(at: place)
            case 5: lines.insert(lines[below(lines.count)], at: place)
            case 6: lines[place] = String(repeating: " ", count: below(5)) + lines[place]
            case 7: lines[place] = String(lines[place].drop { $0 == " " })
            case 8:
                var letters = Array(lines[place].unicodeScalars)
                let other: [Unicode.Scalar] = [
                    "\t", "\u{0}", "{", "[", "\"", "'", "&", "*", ":", "#", "-", "\u{FEFF}", "é",
                ]
                letters.insert(other[below(other.count)], at: below(letters.count + 1))
                lines[place] = String(String.UnicodeScalarView(letters))
            default:
                let depth = below(8) == 0 ? 3000 : 20
                let open = ["[", "{a: ", "- ", "{\"$or\": ["][below(4)]
                lines[place] += String(repeating: open, count: depth)
            }
        }
        return lines.joined(separator: "\n")
    }
}
