import Glibc

/// Finds the fields of lines of an access log.
struct AccessLogParser: LineParser {
    let columns: [CSVColumn]
    let types: [ColumnType?]
    let skippedLines = 0
    private let format: AccessLogFormat
    private var scratch: [UInt8] = []

    private static let backslash = UInt8(ascii: "\\")
    private static let quote = UInt8(ascii: "\"")

    init(_ format: AccessLogFormat) {
        self.format = format
        columns = format.columns.enumerated().map { CSVColumn(name: $1.name, sourceName: $1.name, index: $0) }
        types = format.columns.map(\.type)
    }

    mutating func parse(_ line: Range<Int>, _ fields: inout LineFields) -> LineProblem? {
        var position = line.lowerBound
        var before = "its beginning"
        for (index, piece) in format.pieces.enumerated() {
            switch piece {
            case .text(let text):
                guard Self.begins(fields.bytes, position, line.upperBound, text) else {
                    return mismatch("lacks \(Self.shown(text)) after \(before)", nil)
                }
                position += text.count
            case .field(let field):
                let text: [UInt8]? =
                    if index + 1 < format.pieces.count, case .text(let text) = format.pieces[index + 1] { text } else {
                        nil
                    }
                guard let end = Self.end(fields.bytes, position, line.upperBound, field, text) else {
                    return mismatch("lacks \(Self.shown(text ?? [])) after \(field.name)", field.name)
                }
                if let problem = take(field, position..<end, &fields) { return problem }
                position = end
                before = field.name
            }
        }
        guard position == line.upperBound else { return mismatch("has more text after \(before)", nil) }
        return nil
    }

    private func mismatch(_ reason: String, _ column: String?) -> LineProblem {
        LineProblem(reason: "\(reason), as the log format \(format.text) wants it.", column: column)
    }

    private static func shown(_ text: [UInt8]) -> String { "`\(String(decoding: text, as: UTF8.self))`" }

    private static func begins(_ bytes: UnsafePointer<UInt8>, _ position: Int, _ end: Int, _ text: [UInt8]) -> Bool {
        guard end - position >= text.count else { return false }
        for index in text.indices where bytes[position + index] != text[index] { return false }
        return true
    }

    /// Where a field that begins at `start` ends: before the text that follows it, or at the end of the line.
    private static func end(
        _ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ field: AccessLogField, _ text: [UInt8]?
    ) -> Int? {
        guard let text, let first = text.first else { return end }
        var position = start
        while position < end {
            let byte = bytes[position]
            if field.isQuoted, byte == backslash {
                position += 2
                continue
            }
            // What is quoted ends at its quote, whatever follows.
            if byte == first, field.isQuoted || begins(bytes, position, end, text) { return position }
            position += 1
        }
        return nil
    }

    /// Takes a field into its column.
    private mutating func take(_ field: AccessLogField, _ range: Range<Int>, _ fields: inout LineFields) -> LineProblem?
    {
        let (start, count) = (range.lowerBound, range.count)
        if count == 1, fields.bytes[start] == UInt8(ascii: "-") {
            fields.setNull(field.column)
            if field.kind == .request { for part in 1...3 { fields.setNull(field.column + part) } }
            return nil
        }
        switch field.kind {
        case .text:
            takeText(field.column, range, &fields)
        case .integer:
            // nginx writes 000 for a connection that ended before the answer.
            var first = start
            while first + 1 < range.upperBound, fields.bytes[first] == 0x30 { first += 1 }
            guard first < range.upperBound, IntegerText.parse(fields.bytes + first, range.upperBound - first) != nil
            else {
                return wrong(field, range, "a whole number", fields)
            }
            fields.set(field.column, raw: first..<range.upperBound)
        case .real:
            guard count > 0, DoubleText.parse(fields.bytes + start, count) != nil else {
                return wrong(field, range, "a number", fields)
            }
            fields.set(field.column, raw: range)
        case .isoTime:
            guard TemporalText.timestamp(fields.bytes + start, count)?.hasZone == true else {
                return wrong(field, range, "a time with its zone, like 2024-05-31T23:59:59+00:00", fields)
            }
            fields.set(field.column, raw: range)
        case .time:
            guard let time = Self.time(range, fields) else {
                return wrong(field, range, "a time like 10/Oct/2000:13:55:36 -0700", fields)
            }
            fields.set(field.column, raw: time)
        case .request:
            takeRequest(field.column, takeText(field.column, range, &fields), &fields)
        }
        return nil
    }

    private func wrong(_ field: AccessLogField, _ range: Range<Int>, _ wanted: String, _ fields: LineFields)
        -> LineProblem
    {
        LineProblem(
            reason: "has \"\(fields.batch.excerpt(range))\" as \(field.name), which should be \(wanted).",
            column: field.name)
    }

    // MARK: text

    /// Takes a text, without escapes.
    /// - Returns: where it lies.
    @discardableResult
    private mutating func takeText(_ column: Int, _ range: Range<Int>, _ fields: inout LineFields) -> Range<Int> {
        var text = range
        if memchr(fields.bytes + range.lowerBound, Int32(Self.backslash), range.count) != nil {
            unescape(UnsafeBufferPointer(start: fields.bytes + range.lowerBound, count: range.count))
            // Bytes that are no UTF-8 stay escaped: nothing is lost, and the column is text.
            let isText = scratch.withUnsafeBufferPointer { bytes in
                bytes.baseAddress.map { UTF8Validation.firstInvalid($0, from: 0, to: bytes.count) == nil } ?? true
            }
            if isText { text = fields.keep(scratch) }
        }
        fields.set(column, text: text)
        return text
    }

    /// `\"`, `\\`, `\n \r \t \b \v \f` and `\xhh`, as Apache and nginx write them.
    private mutating func unescape(_ bytes: UnsafeBufferPointer<UInt8>) {
        scratch.removeAll(keepingCapacity: true)
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            guard byte == Self.backslash, position < bytes.count else {
                scratch.append(byte)
                continue
            }
            let next = bytes[position]
            if next == UInt8(ascii: "x"), position + 2 < bytes.count, let high = Self.digit(bytes[position + 1]),
                let low = Self.digit(bytes[position + 2])
            {
                scratch.append(high << 4 | low)
                position += 3
            } else if let plain = Self.plain(next) {
                scratch.append(plain)
                position += 1
            } else {
                scratch.append(byte)
            }
        }
    }

    private static func plain(_ byte: UInt8) -> UInt8? {
        switch byte {
        case quote, backslash: byte
        case UInt8(ascii: "n"): 10
        case UInt8(ascii: "r"): 13
        case UInt8(ascii: "t"): 9
        case UInt8(ascii: "b"): 8
        case UInt8(ascii: "v"): 11
        case UInt8(ascii: "f"): 12
        default: nil
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    // MARK: request and time

    /// Takes `METHOD target` or `METHOD target PROTOCOL` apart; what is otherwise stays whole, and its parts are null.
    private func takeRequest(_ column: Int, _ range: Range<Int>, _ fields: inout LineFields) {
        for part in 1...3 { fields.setNull(column + part) }
        let bytes = fields.bytes
        let space = UInt8(ascii: " ")
        guard let first = range.first(where: { bytes[$0] == space }), first > range.lowerBound,
            (range.lowerBound..<first).allSatisfy({ Self.isMethod(bytes[$0]) })
        else { return }
        var end = range.upperBound
        if let last = range.last(where: { bytes[$0] == space }), last > first,
            Self.begins(bytes, last + 1, range.upperBound, Array("HTTP/".utf8))
        {
            fields.set(column + 3, raw: last + 1..<range.upperBound)
            end = last
        }
        guard end > first + 1 else { return fields.setNull(column + 3) }
        fields.set(column + 1, raw: range.lowerBound..<first)
        fields.set(column + 2, text: first + 1..<end)
    }

    private static func isMethod(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) || byte == 0x2D || byte == 0x5F }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"].map
    {
        Array($0.utf8)
    }

    /// `10/Oct/2000:13:55:36 -0700` as ISO 8601 in the annex; nil where it is no time.
    private static func time(_ range: Range<Int>, _ fields: LineFields) -> Range<Int>? {
        guard range.count == 26 else { return nil }
        fields.batch.reserveAnnex(24)
        let text = fields.bytes + range.lowerBound
        guard text[2] == 0x2F, text[6] == 0x2F, text[11] == 0x3A, text[20] == 0x20 else { return nil }
        guard let month = months.firstIndex(where: { $0[0] == text[3] && $0[1] == text[4] && $0[2] == text[5] }) else {
            return nil
        }
        let target = fields.batch.base + fields.batch.annexEnd
        func put(_ offset: Int, _ source: Int, _ count: Int) {
            for index in 0..<count { target[offset + index] = text[source + index] }
        }
        put(0, 7, 4)
        target[5] = 0x30 + UInt8((month + 1) / 10)
        target[6] = 0x30 + UInt8((month + 1) % 10)
        put(8, 0, 2)
        put(11, 12, 8)
        put(19, 21, 5)
        (target[4], target[7], target[10]) = (0x2D, 0x2D, 0x54)
        guard TemporalText.timestamp(target, 24)?.hasZone == true else { return nil }
        let place = fields.batch.commitAnnex(24)
        return place..<place + 24
    }
}
