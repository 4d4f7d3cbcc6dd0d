/// Finds the fields of lines of fixed-width text.
struct FixedWidthParser: LineParser {
    let columns: [CSVColumn]
    let types: [ColumnType?]
    let skippedLines: Int
    private let layout: FixedWidthLayout
    private let end: Int
    /// Whether what a line lacks at its end is null.
    private let padsShortLines: Bool
    /// Offsets of the characters of a line that is not plain ASCII, and its end.
    private var offsets: [Int] = []

    init(_ layout: FixedWidthLayout, padsShortLines: Bool) {
        self.layout = layout
        self.padsShortLines = padsShortLines
        end = layout.end
        skippedLines = layout.skippedLines
        columns = layout.columns.enumerated().map { CSVColumn(name: $1.name, sourceName: $1.name, index: $0) }
        types = layout.columns.map(\.type)
    }

    mutating func parse(_ line: Range<Int>, _ fields: inout LineFields) -> LineProblem? {
        let length = measure(line, fields.bytes)
        if length < end - 1, !padsShortLines {
            let column = layout.columns.first { $0.end - 1 > length }?.name ?? ""
            return LineProblem(
                reason:
                    "has \(length) \(layout.unit.rawValue), and its columns reach to place \(end - 1): \(column) is cut "
                    + "off or missing. Mend it, or let short lines be filled up (pad).", column: column)
        }
        if length >= end, !layout.ignoresRest {
            let rest = offset(end - 1, line)..<line.upperBound
            guard rest.allSatisfy({ Self.isBlank(fields.bytes[$0]) }) else {
                return LineProblem(
                    reason: "has text after place \(end - 1), where its last column ends: "
                        + "\"\(fields.batch.excerpt(rest))\". Add a column, or ignore the rest.", column: nil)
            }
        }
        for (index, column) in layout.columns.enumerated() {
            guard column.start <= length else {
                fields.setNull(index)
                continue
            }
            var range = offset(column.start - 1, line)..<offset(min(column.end - 1, length), line)
            if layout.unit == .bytes, cutsCharacter(range, line, fields.bytes) {
                return LineProblem(
                    reason: "has a character across the edge of \(column.name): places count bytes in this layout.",
                    column: column.name)
            }
            let isText = column.type == nil || column.type == .string
            if layout.trims || !isText { range = Self.trimmed(range, fields.bytes) }
            if range.isEmpty {
                fields.setNull(index)
            } else if isText {
                fields.set(index, text: range)
            } else {
                fields.set(index, raw: Self.number(range, column.type, fields))
            }
        }
        return nil
    }

    // MARK: places

    /// The length of a line in the layout's unit.
    private mutating func measure(_ line: Range<Int>, _ bytes: UnsafePointer<UInt8>) -> Int {
        offsets.removeAll(keepingCapacity: true)
        if layout.unit == .bytes || line.allSatisfy({ bytes[$0] < 0x80 }) { return line.count }
        for position in line where bytes[position] & 0xC0 != 0x80 { offsets.append(position) }
        let count = offsets.count
        offsets.append(line.upperBound)
        return count
    }

    private func offset(_ place: Int, _ line: Range<Int>) -> Int {
        offsets.isEmpty ? line.lowerBound + place : offsets[place]
    }

    private func cutsCharacter(_ range: Range<Int>, _ line: Range<Int>, _ bytes: UnsafePointer<UInt8>) -> Bool {
        (range.lowerBound < line.upperBound && bytes[range.lowerBound] & 0xC0 == 0x80)
            || (range.upperBound < line.upperBound && bytes[range.upperBound] & 0xC0 == 0x80)
    }

    // MARK: values

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 }

    private static func trimmed(_ range: Range<Int>, _ bytes: UnsafePointer<UInt8>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, isBlank(bytes[start]) { start += 1 }
        while end > start, isBlank(bytes[end - 1]) { end -= 1 }
        return start..<end
    }

    /// A number of a typed column without plus sign and leading zeros, which files of fixed width are full of.
    private static func number(_ range: Range<Int>, _ type: ColumnType?, _ fields: LineFields) -> Range<Int> {
        switch type {
        case .bigint, .double, .decimal: break
        default: return range
        }
        let isNegative = fields.bytes[range.lowerBound] == UInt8(ascii: "-")
        var start = range.lowerBound
        if isNegative || fields.bytes[start] == UInt8(ascii: "+") { start += 1 }
        // A second sign stays, for the column to refuse.
        if start < range.upperBound, [UInt8(ascii: "-"), UInt8(ascii: "+")].contains(fields.bytes[start]) {
            return range
        }
        let digits = start
        while start + 1 < range.upperBound, fields.bytes[start] == 0x30, fields.bytes[start + 1] &- 0x30 <= 9 {
            start += 1
        }
        guard start < range.upperBound else { return range }
        // Whole numbers have one zero.
        let isZero = type == .bigint && start + 1 == range.upperBound && fields.bytes[start] == 0x30
        if !isNegative || isZero { return start..<range.upperBound }
        if start == digits { return range }
        let text = [UInt8(ascii: "-")] + (start..<range.upperBound).map { fields.bytes[$0] }
        return fields.keep(text)
    }
}
