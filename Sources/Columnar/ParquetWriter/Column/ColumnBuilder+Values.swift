import Glibc

/// Parses a text into the 64 bits that a column stores.
protocol FieldParser {
    /// Sixteen bytes from `text` must be readable.
    mutating func parse(_ text: UnsafePointer<UInt8>, _ length: Int) -> Int64?
}

private struct IntegerParser: FieldParser {
    @inline(__always)
    func parse(_ text: UnsafePointer<UInt8>, _ length: Int) -> Int64? { IntegerText.parse(text, length) }
}

private struct DoubleParser: FieldParser {
    let keepingDigits: Bool

    @inline(__always)
    func parse(_ text: UnsafePointer<UInt8>, _ length: Int) -> Int64? {
        guard let value = DoubleText.parse(text, length, keepingDigits: keepingDigits) else { return nil }
        return Int64(bitPattern: value.bitPattern)
    }
}

private struct BooleanParser: FieldParser {
    /// See `ColumnBuilder.booleanWords`.
    var words: UInt8

    @inline(__always)
    mutating func parse(_ text: UnsafePointer<UInt8>, _ length: Int) -> Int64? {
        guard let value = BooleanText.parse(text, length) else { return nil }
        words |= BooleanText.word(text, value)
        return value ? 1 : 0
    }
}

private struct DateParser: FieldParser {
    let months: MonthCache

    @inline(__always)
    func parse(_ text: UnsafePointer<UInt8>, _ length: Int) -> Int64? { length == 10 ? months.days(text) : nil }
}

private struct TimeParser: FieldParser {
    @inline(__always)
    func parse(_ text: UnsafePointer<UInt8>, _ length: Int) -> Int64? {
        TemporalText.timeOfDay(text, length, allowsShort: true)
    }
}

private struct TimestampParser: FieldParser {
    let months: MonthCache
    let wantsZone: Bool

    @inline(__always)
    func parse(_ text: UnsafePointer<UInt8>, _ length: Int) -> Int64? {
        guard length >= 16 else { return short(text, length) }
        guard let days = months.days(text) else { return nil }
        if length == 19, !wantsZone, text[10] == 0x20 || text[10] == 0x54 {
            guard let seconds = TemporalText.secondsOfDay(loadWord(text + 11)) else { return nil }
            return (days &* 86_400 &+ seconds) &* 1_000_000
        }
        guard let time = TemporalText.time(text, length), time.hasZone == wantsZone else { return nil }
        return days * TemporalText.microsecondsPerDay + time.microseconds
    }

    @inline(never)
    private func short(_ text: UnsafePointer<UInt8>, _ length: Int) -> Int64? {
        guard let time = TemporalText.timestamp(text, length), time.hasZone == wantsZone else { return nil }
        return time.microseconds
    }
}

private struct DecimalParser: FieldParser {
    let precision: Int
    let scale: Int

    func parse(_ text: UnsafePointer<UInt8>, _ length: Int) -> Int64? {
        DecimalText.parse(text, length, precision: precision, scale: scale).map { Int64(truncatingIfNeeded: $0) }
    }
}

extension ColumnBuilder {
    /// Parses one text, for dictionary entries.
    func parse(_ text: UnsafePointer<UInt8>, _ length: Int) -> Int64? {
        switch type {
        case .boolean: return BooleanText.parse(text, length).map { $0 ? 1 : 0 }
        case .bigint: return IntegerText.parse(text, length)
        case .double: return DoubleParser(keepingDigits: keepsDigits).parse(text, length)
        case .time: return TimeParser().parse(text, length)
        case .date: return TemporalText.date(text, length)
        case .timestamp, .timestampUTC:
            return TimestampParser(months: months, wantsZone: type == .timestampUTC).parse(text, length)
        case .decimal(let precision, let scale):
            return DecimalParser(precision: precision, scale: scale).parse(text, length)
        case .string, .list, .structure: return nil
        }
    }

    /// Appends rows as values.
    /// - Returns: the first row that does not fit the type.
    func appendValues(_ table: FieldTable, from first: Int, count: Int) -> Int? {
        switch type {
        case .string, .list, .structure:
            appendTexts(table, from: first, count: count)
            return nil
        case .bigint:
            var parser = IntegerParser()
            return appendNumbers(&parser, table, from: first, count: count)
        case .double:
            var parser = DoubleParser(keepingDigits: keepsDigits)
            return appendNumbers(&parser, table, from: first, count: count)
        case .boolean:
            var parser = BooleanParser(words: booleanWords)
            defer { booleanWords = parser.words }
            return appendNumbers(&parser, table, from: first, count: count)
        case .date:
            var parser = DateParser(months: months)
            return appendNumbers(&parser, table, from: first, count: count)
        case .time:
            var parser = TimeParser()
            return appendNumbers(&parser, table, from: first, count: count)
        case .timestamp, .timestampUTC:
            var parser = TimestampParser(months: months, wantsZone: type == .timestampUTC)
            return appendNumbers(&parser, table, from: first, count: count)
        case .decimal(let precision, let scale):
            if layout == .fixed16 { return appendFixed(table, from: first, count: count, precision, scale) }
            var parser = DecimalParser(precision: precision, scale: scale)
            return appendNumbers(&parser, table, from: first, count: count)
        }
    }

    @inline(__always)
    private func appendNumbers(
        _ parser: inout some FieldParser, _ table: FieldTable, from first: Int, count: Int
    ) -> Int? {
        let bytes = table.bytes
        let stride = table.stride
        var starts = table.starts + first * stride
        var ends = table.ends + first * stride
        let last = starts + (count - 1) * stride
        let hasTokens = !nullTokens.isEmpty
        // No value begins with a zero byte, which stands for "no quotes" here.
        let quote = table.quote < 256 ? UInt8(truncatingIfNeeded: table.quote) : 0
        let values = pageValues()
        var out = values + pageValueCount
        var row = pageRowCount
        for index in 0..<count {
            FieldTable.fetch(bytes, behind: starts, last, stride)
            let start = Int(starts.pointee) &+ 1
            let length = Int(ends.pointee) &- start
            starts += stride
            ends += stride
            let text = bytes + start
            if length <= 0 || (hasTokens && nullTokens.contains(text, length)) {
                setNull(row)
            } else if let value = parser.parse(text, length) {
                out.pointee = value
                out += 1
            } else if text[0] == quote, length > 2, !hasTokens, text[length &- 1] == quote,
                let value = parser.parse(text + 1, length &- 2)
            {
                out.pointee = value
                out += 1
            } else {
                switch unusual(text, length, table.text) {
                case .null: setNull(row)
                case .text(let text, let length):
                    guard let value = parser.parse(text, length) else { return first + index }
                    out.pointee = value
                    out += 1
                case .misfit: return first + index
                }
            }
            row &+= 1
        }
        let total = out - values
        chunkValues += total - pageValueCount
        pageValueCount = total
        pageRowCount = row
        return nil
    }

    private enum Unusual {
        case null
        case text(UnsafePointer<UInt8>, Int)
        case misfit
    }

    /// A field that does not parse as it stands: quoted, a null token, or of the wrong type.
    @inline(never)
    private func unusual(_ raw: UnsafePointer<UInt8>, _ length: Int, _ fieldText: FieldText) -> Unusual {
        guard fieldText.isQuoted(raw, length) else {
            return nullTokens.contains(raw, length) ? .null : .misfit
        }
        scratch.count = 0
        let inner = fieldText.unquoted(raw, length, scratch: &scratch)
        if inner.length == 0 || nullTokens.contains(inner.start, inner.length) {
            watch?.isDoubtful = true
            return .null
        }
        return .text(inner.start, inner.length)
    }

    private func appendTexts(_ table: FieldTable, from first: Int, count: Int) {
        let bytes = table.bytes
        let stride = table.stride
        let quote = UInt8(truncatingIfNeeded: table.quote)
        let hasQuote = table.quote < 256
        let hasTokens = !nullTokens.isEmpty
        var starts = table.starts + first * stride
        var ends = table.ends + first * stride
        let last = starts + (count - 1) * stride
        // Out of the builder, where every call would be checked for exclusive access.
        var (texts, scratch) = (texts, scratch)
        var out = numbers + pageValueCount
        var row = pageRowCount
        for _ in 0..<count {
            FieldTable.fetch(bytes, behind: starts, last, stride)
            let start = Int(starts.pointee) &+ 1
            let length = Int(ends.pointee) &- start
            starts += stride
            ends += stride
            let text = bytes + start
            if length <= 0 || (hasTokens && nullTokens.contains(text, length)) {
                setNull(row)
            } else if hasQuote && text[0] == quote && length >= 2 {
                scratch.count = 0
                let inner = table.text.unquoted(text, length, scratch: &scratch)
                texts.append(inner.start, inner.length)
                out.pointee = UInt32(truncatingIfNeeded: inner.length)
                out += 1
            } else {
                texts.append(text, length)
                out.pointee = UInt32(truncatingIfNeeded: length)
                out += 1
            }
            row &+= 1
        }
        // Bounds are found by loading whole words.
        texts.reserve(16)
        (self.texts, self.scratch) = (texts, scratch)
        let total = out - numbers
        chunkValues += total - pageValueCount
        pageValueCount = total
        pageRowCount = row
    }

    private func appendFixed(
        _ table: FieldTable, from first: Int, count: Int, _ precision: Int, _ scale: Int
    ) -> Int? {
        for index in 0..<count {
            let record = (first + index) * table.stride
            let start = Int(table.starts[record]) + 1
            var (text, length) = (table.bytes + start, Int(table.ends[record]) - start)
            if length > 0, table.text.isQuoted(text, length) || nullTokens.contains(text, length) {
                switch unusual(text, length, table.text) {
                case .null: length = 0
                case .text(let inner, let innerLength): (text, length) = (inner, innerLength)
                case .misfit: return first + index
                }
            }
            if length <= 0 {
                setNull(pageRowCount)
            } else {
                guard let value = DecimalText.parse(text, length, precision: precision, scale: scale) else {
                    return first + index
                }
                texts.append(littleEndian: UInt64(truncatingIfNeeded: value >> 64).byteSwapped)
                texts.append(littleEndian: UInt64(truncatingIfNeeded: value).byteSwapped)
                pageValueCount += 1
                chunkValues += 1
            }
            pageRowCount += 1
        }
        return nil
    }
}
