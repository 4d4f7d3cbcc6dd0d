import Columnar
import Foundation
import Testing

/// Files cut off and damaged in every form of input: an error that names the place, or a conversion; never a crash.
@Suite("Damaged inputs", .timeLimit(.minutes(15)))
struct InputFuzzTests {
    private struct Sample {
        var name: String
        var bytes: [UInt8]
        var options = ConversionOptions()
    }

    private static func samples() throws -> [Sample] {
        var samples = try InputTools.archives().filter { $0.key != "bomb.gz" }.sorted { $0.key < $1.key }.map {
            Sample(name: $0.key, bytes: $0.value)
        }
        let table = "id,name,when\n1,\"a,\"\"b\"\"\",2024-01-01\r\n2,日本,2024-01-02T03:04:05Z\n,,\n3,\"x\ny\",\n"
        let units = [0xFEFF] + Array(table.utf16)
        samples.append(Sample(name: "utf-16le", bytes: units.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }))
        samples.append(Sample(name: "utf-16be", bytes: units.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }))
        for encoding in [TextEncoding.latin1, .windows1252] {
            var sample = Sample(name: encoding.rawValue, bytes: Array("a,b\n".utf8) + Array(0x20...0xFF) + [10])
            sample.options.csv.encoding = encoding
            samples.append(sample)
        }
        var escaped = Sample(
            name: "escapes", bytes: Array("a;b;c\nx\\;y;\"q\\\"\"\"r\";\\\\\n'1';\\N;z\\\n2\n#c\n".utf8))
        (escaped.options.csv.escape, escaped.options.csv.comment) = ("\\", "#")
        escaped.options.csv.trimsFields = true
        samples.append(escaped)
        let log =
            #"1.1.1.1 - u [10/Oct/2000:13:55:36 -0700] "GET /a\x20\"b HTTP/1.0" 200 5 "http://x/" "é\\ \xff""# + "\n"
        for format in ["combined", "nginx", "%h %t %r", "$time_iso8601 $status"] {
            var sample = Sample(name: format, bytes: Array((log + log + log).utf8))
            sample.options.format = .accessLog(try AccessLogFormat(format))
            samples.append(sample)
        }
        for unit in FixedWidthLayout.Unit.allCases {
            var sample = Sample(name: "fixed \(unit)", bytes: Array("0001Zoë  -00.5x\n0002日本 +1.25y\r\n\n".utf8))
            var layout = try FixedWidthLayout(
                ["a:1-4:bigint", "b:5-9", "c:10-14:double", "d:12-15"].map { try FixedWidthLayout.Column($0) })
            layout.unit = unit
            sample.options.format = .fixedWidth(layout)
            samples.append(sample)
        }
        return samples
    }

    @Test("cut, flipped, overwritten, repeated: an error with words, or records")
    func damaged() throws {
        let samples = try Self.samples()
        FuzzBudget().repeated { damage(samples, seed: 4 &+ $0) }
    }

    private func damage(_ samples: [Sample], seed: UInt64) {
        let rounds = 300
        var random = SeededGenerator(seed: seed)
        for sample in samples {
            var failures = 0
            for _ in 0..<rounds {
                let bytes = Self.damage(sample.bytes, &random)
                var options = sample.options
                options.csv.batchBytes = Int.random(in: 256...2048, using: &random)
                options.csv.maximumRecordBytes = 1 << 20
                options.csv.badRecords = [.fail, .pad, .reject].randomElement(using: &random) ?? .fail
                if Bool.random(using: &random) { options.mismatches = .reject }
                options.threads = Int.random(in: 1...20, using: &random) == 1 ? 2 : 1
                let source = MemorySource(bytes, maximumRead: Int.random(in: 1...4096, using: &random))
                do {
                    _ = try CSVConverter.convert(
                        from: source, to: MemorySink(), options: options, rejectedRecords: RejectCollector())
                } catch {
                    failures += 1
                    #expect(!error.message.isEmpty && error.namesPlace, "seed \(seed), \(sample.name): \(error)")
                    if error.code == .corruptFile || error.code == .invalidEncoding || error.code == .malformedRow {
                        #expect(error.byteOffset != nil, "\(sample.name): \(error)")
                    }
                }
            }
            // Most archives that are damaged must be noticed: their checksums see to it.
            if sample.name.hasSuffix(".gz") { #expect(failures > rounds / 2, "\(sample.name): \(failures)") }
        }
    }

    private static func damage(_ original: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard !bytes.isEmpty else { break }
            let place = Int.random(in: bytes.indices, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes.removeLast(bytes.count - place)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: bytes[place] = [0, 0xFF, 0x22, 0x0A, 0x0D, 0x5C, 0x2C].randomElement(using: &random) ?? 0
            case 3:
                for index in place..<min(bytes.count, place + 8) {
                    bytes[index] = UInt8.random(in: 0...255, using: &random)
                }
            case 4: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...9, using: &random)))
            default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 40)], at: place)
            }
        }
        return bytes
    }
}
