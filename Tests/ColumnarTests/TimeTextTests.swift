import Columnar
import Testing

/// Timestamps are read eight bytes at a time: nothing but a time may pass.
@Suite("Types: times, byte by byte")
struct TimeTextTests {
    @Test("a time that is one byte off is none, wherever the byte is")
    func timesByteByByte() throws {
        let good = Array("2024-05-31 23:59:59".utf8)
        let start = "t,x\n" + String(repeating: "2024-05-31 12:34:56,1\n", count: 30)
        let odd = Array("/:;.-+ T09x@\u{7f}".utf8) + (0x30...0x39).map { UInt8($0) }
        for place in good.indices {
            for byte in odd {
                var text = good
                text[place] = byte
                let digits = text.map { Int($0) - 0x30 }
                func two(_ at: Int) -> Int {
                    (0...9).contains(digits[at]) && (0...9).contains(digits[at + 1])
                        ? digits[at] * 10 + digits[at + 1] : 100
                }
                let (year, month, day) = (two(0) * 100 + two(2), two(5), two(8))
                let longest = [4, 6, 9, 11].contains(month) ? 30 : month == 2 ? (year % 4 == 0 ? 29 : 28) : 31
                let isTime =
                    two(0) < 100 && two(2) < 100 && (1...12).contains(month) && (1...longest).contains(day)
                    && text[4] == 0x2D && text[7] == 0x2D && (text[10] == 0x20 || text[10] == 0x54) && two(11) < 24
                    && text[13] == 0x3A && two(14) < 60 && text[16] == 0x3A && two(17) < 60
                var options = ConversionOptions()
                options.csv.batchBytes = 256
                let found = try convert(start + String(decoding: text, as: UTF8.self) + ",1\n", options).columns[0].type
                #expect(found == (isTime ? .timestamp : .string), "\(String(decoding: text, as: UTF8.self))")
            }
        }
    }
}
