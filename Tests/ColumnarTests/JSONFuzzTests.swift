import Columnar
import Foundation
import Testing

/// Damaged JSON: an error that names the place, never a crash.
@Suite("JSON: damaged files", .timeLimit(.minutes(15)))
struct JSONFuzzTests {
    private func outcome(_ bytes: [UInt8], _ options: ConversionOptions) -> (
        report: ConversionReport?, error: ColumnarError?
    ) {
        do throws(ColumnarError) {
            return (try CSVConverter.convert(from: MemorySource(bytes), to: MemorySink(), options: options), nil)
        } catch {
            return (nil, error)
        }
    }

    @Test(
        "cut, flipped and overwritten: errors with their place, or what is left",
        arguments: forms)
    func damaged(form: String) {
        FuzzBudget(parts: Self.forms.count).repeated { damage(form: form, turn: $0) }
    }

    private static let forms = ["ndjson", "list", "sequence"]

    private func damage(form: String, turn: UInt64) {
        var random = SeededGenerator(seed: 99 &+ turn)
        var failures = 0
        for seed in 0..<30 {
            let original = Array(
                RandomJSON.make(seed: 5000 &+ 30 &* turn &+ UInt64(seed), form: form).utf8.prefix(6_000))
            guard original.count > 20 else { continue }
            for round in 0..<40 {
                var bytes = original
                switch round % 4 {
                case 0: bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random))
                case 1:
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] ^=
                        1 << UInt8.random(in: 0..<8, using: &random)
                case 2:
                    let tokens = Array("{}[],:\"\\u0-eE.\n tfn".utf8) + [0, 0x80, 0xFF]
                    for _ in 0..<3 {
                        bytes[Int.random(in: 0..<bytes.count, using: &random)] =
                            tokens.randomElement(using: &random) ?? 0
                    }
                default:
                    let start = Int.random(in: 0..<bytes.count - 10, using: &random)
                    bytes.removeSubrange(start..<start + Int.random(in: 1...10, using: &random))
                }
                var options = ConversionOptions()
                options.format = form == "ndjson" ? .ndjson : .json
                options.csv.batchBytes = [256, 4096].randomElement(using: &random) ?? 256
                options.csv.maximumRecordBytes = 1 << 20
                options.csv.badRecords = round % 8 < 4 ? .fail : .reject
                let (report, error) = outcome(bytes, options)
                if let error {
                    failures += 1
                    #expect(!error.message.isEmpty && error.namesPlace, "turn \(turn): \(error)")
                    if error.code == .malformedRow || error.code == .invalidUTF8 {
                        #expect(error.line != nil && error.byteOffset != nil, "\(error)")
                        #expect((error.byteOffset ?? 0) <= Int64(bytes.count), "\(error)")
                    }
                    if error.code == .malformedRow, options.csv.badRecords == .reject {
                        #expect(
                            form != "ndjson" || error.message.hasPrefix("The file begins with ["),
                            "a line can always be left out: \(error)")
                    }
                } else {
                    #expect(report != nil)
                }
            }
        }
        #expect(failures > 200, "\(failures)")
    }

    @Test("deep nesting is refused, not followed")
    func deep() {
        var options = ConversionOptions()
        options.format = .ndjson
        for open in ["[", "{\"a\":"] {
            let text = "{\"a\":" + String(repeating: open, count: 200_000)
            let error = outcome(Array(text.utf8), options).error
            #expect(error?.code == .malformedRow)
            #expect(error?.message.contains("deep") == true, "\(String(describing: error))")
        }
    }

    @Test("a map of many names does not become many columns; too many columns are refused")
    func many() throws {
        var options = ConversionOptions()
        options.format = .ndjson
        var text = ""
        for index in 0..<3000 { text += "{\"m\":{\"k\(index)\":\(index)}}\n" }
        let report = try convert(text, options)
        #expect(report.columns == [ColumnSchema(name: "m", type: .string)])
        text = ""
        for index in 0..<6000 { text += "{\"k\(index)\":\(index)}\n" }
        let error = outcome(Array(text.utf8), options).error
        #expect(error?.code == .limitExceeded)
    }
}
