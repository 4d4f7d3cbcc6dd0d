import CLinux
import Columnar
import Testing

/// Texts that are hashed together, 64 bytes at once where the processor can, beside the same texts one by one.
@Suite("Texts looked at together", .timeLimit(.minutes(5)))
struct TextSketchTests {
    private static let registers = 1 << CLINUX_SKETCH_BITS

    /// Texts of all lengths, every other one with letters beside ASCII where that is wanted.
    private static func texts(_ count: Int, ascii: Bool) -> [[UInt8]] {
        var generator = SeededGenerator(seed: ascii ? 3 : 4)
        return (0..<count).map { index in
            let length = index < 400 ? index % 200 : Int.random(in: 0...80, using: &generator)
            var text = (0..<length).map { _ in UInt8.random(in: 32...126, using: &generator) }
            if !ascii, index % 2 == 0, length > 2 { text.replaceSubrange(1..<3, with: Array("ü".utf8)) }
            return text
        }
    }

    @Test("All ways give the same hashes, registers, lengths and end", arguments: [true, false])
    func together(ascii: Bool) {
        let texts = Self.texts(3000, ascii: ascii)
        let bytes = texts.flatMap(\.self) + [UInt8](repeating: 0xFF, count: 16)
        let lengths = texts.map { UInt32($0.count) }
        var expected = [UInt8](repeating: 0, count: Self.registers)
        var last: UInt64 = 0
        var place = 0
        bytes.withUnsafeBufferPointer { bytes in
            for length in lengths {
                last = clinux_hash_text(bytes.baseAddress.map { $0 + place }, UInt64(length)).hash
                clinux_sketch(last, &expected)
                place += Int(length)
            }
            for way in [clinux_sketch_texts, clinux_sketch_texts_plainly] {
                var found = [UInt8](repeating: 0, count: Self.registers)
                var seen = clinux_texts_seen(least: .max, greatest: 0, are_ascii: true, hash: 0)
                let end = way(bytes.baseAddress, lengths, lengths.count, &found, &seen)
                let areEqual = found == expected
                #expect(areEqual)
                #expect(end.flatMap { end in bytes.baseAddress.map { end - $0 } } == place)
                #expect(seen.least == 0 && seen.greatest == 199 && seen.are_ascii == ascii && seen.hash == last)
            }
        }
    }

    @Test("Numbers eight at once give the registers of each by itself, doubles those of their canonical bits")
    func numbers() {
        var generator = SeededGenerator(seed: 5)
        let special: [Double] = [
            0, -0.0, .nan, -.nan, .signalingNaN, .infinity, -.infinity, .leastNonzeroMagnitude, 1, -1,
            .greatestFiniteMagnitude,
        ]
        let numbers: [Int64] =
            special.map { Int64(bitPattern: $0.bitPattern) } + [.min, .max, 0, 1, -1, 1 << 32, 1 << 31, -1 << 32]
            + (0..<5000).map { $0 % 3 == 0 ? Int64($0) : Int64.random(in: .min ... .max, using: &generator) }
        for (areDoubles, count) in [(false, numbers.count), (true, numbers.count), (true, 7), (false, 17), (true, 0)] {
            var expected = [UInt8](repeating: 0, count: Self.registers)
            for number in numbers.prefix(count) {
                var bits = UInt64(bitPattern: number)
                if areDoubles {
                    let double = Double(bitPattern: bits)
                    bits = double.isNaN ? 0x7FF8_0000_0000_0000 : double == 0 ? 0 : bits
                }
                clinux_sketch(clinux_hash_number(bits), &expected)
            }
            for way in [clinux_sketch_numbers, clinux_sketch_numbers_plainly] {
                var found = [UInt8](repeating: 0, count: Self.registers)
                way(numbers, count, areDoubles, &found)
                let areEqual = found == expected
                #expect(areEqual, "\(count) numbers, doubles: \(areDoubles)")
            }
        }
    }

    @Test("Values that come again after the first pages are not counted twice; lengths are those of characters")
    func comingAgain() throws {
        var generator = SeededGenerator(seed: 6)
        let values = (0..<20_000).map { index in
            let length = Int.random(in: 1...90, using: &generator)
            return "\(index)" + String(repeating: index % 3 == 0 ? "é" : "e", count: length)
        }
        var options = ConversionOptions()
        options.profile = 10
        let rows = (values + values).map { "\($0),1\n" }.joined()
        let report = try CSVConverter.convert(
            from: MemorySource("text,n\n" + rows), to: DiscardSink(), options: options)
        let column = try #require(report.profile?.columns.first)
        #expect(!column.distinct.isExact && abs(Double(column.distinct.count) / 20_000 - 1) < 0.033)
        let characters = values.map(\.count)
        #expect(column.lengths?.minimum == characters.min() && column.lengths?.maximum == characters.max())
        let mean = Double(characters.reduce(0, +)) / Double(characters.count)
        #expect(abs((column.lengths?.mean ?? 0) - mean) < 1e-9)
    }

    @Test(
        "Lengths are judged by characters, of values that repeat and of others",
        arguments: ["between 3 and 6", "= 5", "!= 5", "> 4", "not between 3 and 6", "not in [4, 6]"], [true, false])
    func lengths(condition: String, repeats: Bool) throws {
        let test: (Int) -> Bool =
            switch condition {
            // DQDL's bounds of `between` do not count.
            case "between 3 and 6": { $0 > 3 && $0 < 6 }
            case "= 5": { $0 == 5 }
            case "!= 5": { $0 != 5 }
            case "> 4": { $0 > 4 }
            case "not between 3 and 6": { $0 <= 3 || $0 >= 6 }
            default: { $0 != 4 && $0 != 6 }
            }
        for ascii in [true, false] {
            // Digits, and letters of which some take two bytes.
            let values = (0..<18_000).map { index in
                let letter = !ascii && index % 5 == 0 ? "ß" : "s"
                return String(repeating: letter, count: index % 4) + (repeats ? "12" : "\(10_000 + index)".suffix(3))
            }
            var options = ConversionOptions()
            options.quality = try QualityRules(dqdl: "Rules = [ColumnLength \"text\" \(condition)]")
            let rows = values.map { "x\($0),1\n" }.joined()
            let report = try CSVConverter.convert(
                from: MemorySource("text,n\n" + rows), to: DiscardSink(), options: options)
            let expected = values.filter { !test($0.count + 1) }.count
            #expect(report.quality?.bad == Int64(expected), "\(condition), \(ascii ? "ASCII" : "others")")
        }
    }
}
