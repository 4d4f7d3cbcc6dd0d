import Glibc

/// Finds the fields of lines of an access log.
struct AccessLogParser: LineParser {
    let columns: [CSVColumn]
    let types: [ColumnType?]
    let skippedLines = 0
    private let format: AccessLogFormat
    /// The text before the first field.
    private let opening: [UInt8]
    /// The fields, each with what stands behind it: without the texts' own arrays, which cost counting references.
    private let steps: [Step]
    /// The texts behind the fields, one after the other.
    private let texts: [UInt8]
    private var scratch: [UInt8] = []

    private static let backslash = UInt8(ascii: "\\")
    private static let quote = UInt8(ascii: "\"")
    private static let space = UInt8(ascii: " ")
    private static let emptyUser = Array("\"\"".utf8)
    private static let http = Array("HTTP/".utf8)

    private struct Step {
        var kind: AccessLogField.Kind
        var column: Int
        var isQuoted: Bool
        /// In `texts`; empty for a field that reaches to the end of the line.
        var text: Range<Int>
    }

    init(_ format: AccessLogFormat) {
        self.format = format
        columns = format.columns.enumerated().map { CSVColumn(name: $1.name, sourceName: $1.name, index: $0) }
        types = format.columns.map(\.type)
        var opening: [UInt8] = []
        var steps: [Step] = []
        var texts: [UInt8] = []
        for piece in format.pieces {
            switch piece {
            case .field(let field):
                steps.append(
                    Step(
                        kind: field.kind, column: field.column, isQuoted: field.isQuoted,
                        text: texts.count..<texts.count))
            case .text(let text) where steps.isEmpty:
                opening = text
            case .text(let text):
                steps[steps.count - 1].text = texts.count..<texts.count + text.count
                texts += text
            }
        }
        (self.opening, self.steps, self.texts) = (opening, steps, texts)
    }

    mutating func parse(_ line: Range<Int>, _ fields: inout LineFields) -> LineProblem? {
        guard Self.begins(fields.bytes, line.lowerBound, line.upperBound, opening[...]) else {
            return mismatch("does not begin with \(Self.shown(opening[...]))", nil)
        }
        var position = line.lowerBound + opening.count
        for index in steps.indices {
            let step = steps[index]
            guard let end = end(fields.bytes, position, line.upperBound, step) else {
                return lacking(step)
            }
            if let problem = take(step, position..<end, &fields) { return problem }
            position = end + step.text.count
            guard position <= line.upperBound, matches(fields.bytes + end, step.text) else { return lacking(step) }
        }
        guard position == line.upperBound else {
            let last = steps.last.map { columns[$0.column].name } ?? "its beginning"
            let rest = fields.batch.excerpt(position..<line.upperBound)
            return mismatch("has more text after \(last), `\(rest)`", nil)
        }
        return nil
    }

    private func lacking(_ step: Step) -> LineProblem {
        let name = columns[step.column].name
        return mismatch("lacks \(Self.shown(texts[step.text])) after \(name)", name)
    }

    private func mismatch(_ reason: String, _ column: String?) -> LineProblem {
        LineProblem(reason: "\(reason), as the log format \(format.text) wants it.", column: column)
    }

    private static func shown(_ text: ArraySlice<UInt8>) -> String { "`\(String(decoding: text, as: UTF8.self))`" }

    private static func begins(
        _ bytes: UnsafePointer<UInt8>, _ position: Int, _ end: Int, _ text: ArraySlice<UInt8>
    ) -> Bool {
        guard end - position >= text.count else { return false }
        for (index, byte) in text.enumerated() where bytes[position + index] != byte { return false }
        return true
    }

    /// Whether `bytes` begin with a text of `texts`; they must be as long.
    @inline(__always)
    private func matches(_ bytes: UnsafePointer<UInt8>, _ text: Range<Int>) -> Bool {
        for index in text where bytes[index - text.lowerBound] != texts[index] { return false }
        return true
    }

    /// Where a field that begins at `start` ends: before the text that follows it, or at the end of the line.
    private func end(_ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ step: Step) -> Int? {
        guard let last = step.text.last else { return end }
        let first = texts[step.text.lowerBound]
        let room = end - (last - step.text.lowerBound)
        var position = start
        while position < room, let found = memchr(bytes + position, Int32(first), room - position) {
            let place = UnsafeRawPointer(bytes).distance(to: UnsafeRawPointer(found))
            if step.isQuoted {
                // What is quoted ends at its first quote that is not escaped, whatever follows.
                var escapes = place
                while escapes > start, bytes[escapes - 1] == Self.backslash { escapes -= 1 }
                if (place - escapes) & 1 == 0 { return place }
            } else if matches(bytes + place, step.text) {
                return place
            }
            position = place + 1
        }
        return nil
    }

    /// Takes a field into its column.
    private mutating func take(_ field: Step, _ range: Range<Int>, _ fields: inout LineFields) -> LineProblem? {
        let (start, count) = (range.lowerBound, range.count)
        if count == 1, fields.bytes[start] == UInt8(ascii: "-") {
            fields.setNull(field.column)
            if field.kind == .request { for part in 1...3 { fields.setNull(field.column + part) } }
            return nil
        }
        switch field.kind {
        case .text
        where !field.isQuoted && count == 2
            && Self.begins(
                fields.bytes, start, range.upperBound, Self.emptyUser[...]):
            // Apache writes an empty user so, in a field without quotes; a quote of the user's own would be escaped.
            takeText(field.column, start..<start, &fields)
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
            guard let time = AccessLogTime.text(range, fields) else {
                return wrong(field, range, "a time like 10/Oct/2000:13:55:36 -0700", fields)
            }
            fields.set(field.column, raw: time)
        case .request:
            takeRequest(field.column, takeText(field.column, range, &fields), &fields)
        }
        return nil
    }

    private func wrong(_ field: Step, _ range: Range<Int>, _ wanted: String, _ fields: LineFields)
        -> LineProblem
    {
        LineProblem(
            reason: "has \"\(fields.batch.excerpt(range))\" as \(columns[field.column].name), which should be "
                + "\(wanted).", column: columns[field.column].name)
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

    // MARK: request

    /// Takes `METHOD target` or `METHOD target PROTOCOL` apart; what is otherwise stays whole, and its parts are null.
    private func takeRequest(_ column: Int, _ range: Range<Int>, _ fields: inout LineFields) {
        for part in 1...3 { fields.setNull(column + part) }
        let bytes = fields.bytes
        guard let first = range.first(where: { bytes[$0] == Self.space }), first > range.lowerBound,
            (range.lowerBound..<first).allSatisfy({ Self.isMethod(bytes[$0]) })
        else { return }
        var end = range.upperBound
        if let last = range.last(where: { bytes[$0] == Self.space }), last > first,
            Self.begins(bytes, last + 1, range.upperBound, Self.http[...])
        {
            fields.set(column + 3, raw: last + 1..<range.upperBound)
            end = last
        }
        guard end > first + 1 else { return fields.setNull(column + 3) }
        fields.set(column + 1, raw: range.lowerBound..<first)
        fields.set(column + 2, text: first + 1..<end)
    }

    private static func isMethod(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) || byte == 0x2D || byte == 0x5F }
}
