/// Makes UTF-8 of text in another encoding while reading.
final class TranscodingSource: ByteSource {
    private let base: any ByteSource
    private let form: ForeignText
    private let input: UnsafeMutableBufferPointer<UInt8>
    /// Three bytes for each of the input at most: U+20AC for one byte of Windows-1252, U+FFFF for two of UTF-16.
    private let output: UnsafeMutableBufferPointer<UInt8>
    private var outputStart = 0
    private var outputEnd = 0
    /// Bytes at the front of the input that begin a character whose rest was not read yet.
    private var pending = 0
    /// Offset in the base source of the first byte of the input.
    private var inputOffset: Int64 = 0
    private var isAtStart = true

    private static let chunk = 32 << 10

    init(_ base: any ByteSource, _ form: ForeignText) {
        self.base = base
        self.form = form
        input = .allocate(capacity: Self.chunk)
        output = .allocate(capacity: 3 * Self.chunk)
    }

    deinit {
        input.deallocate()
        output.deallocate()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int {
        while outputStart == outputEnd {
            guard try decodeMore() else { return 0 }
        }
        let count = min(buffer.count, outputEnd - outputStart)
        buffer.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(output)[outputStart..<outputStart + count]))
        outputStart += count
        return count
    }

    /// Fills the output from the next bytes of the base; false at its end.
    private func decodeMore() throws(ColumnarError) -> Bool {
        let rest = UnsafeMutableBufferPointer(rebasing: input[pending...])
        let count = try base.read(into: UnsafeMutableRawBufferPointer(rest))
        if count == 0 {
            guard pending == 0 else { throw invalid("the text ends within a character", at: 0) }
            return false
        }
        let end = pending + count
        (outputStart, outputEnd) = (0, 0)
        let used: Int
        switch form {
        case .latin1: used = try decodeBytes(end, high: nil)
        case .windows1252: used = try decodeBytes(end, high: Self.windows1252)
        case .utf16(let isBigEndian): used = try decodeUTF16(end, isBigEndian: isBigEndian)
        }
        pending = end - used
        for index in 0..<pending { input[index] = input[used + index] }
        inputOffset += Int64(used)
        return true
    }

    /// U+0080 to U+009F as Windows-1252 has them (WHATWG's index, where the five that Windows leaves undefined are 0
    /// here).
    private static let windows1252: [UInt32] = [
        0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0,
        0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E,
        0x0178,
    ]

    private func decodeBytes(_ end: Int, high: [UInt32]?) throws(ColumnarError) -> Int {
        var target = 0
        for position in 0..<end {
            let byte = input[position]
            if byte < 0x80 {
                output[target] = byte
                target += 1
                continue
            }
            var scalar = UInt32(byte)
            if byte < 0xA0, let high {
                scalar = high[Int(byte) - 0x80]
                if scalar == 0 {
                    throw invalid(
                        "Windows-1252 has no character 0x\(String(byte, radix: 16, uppercase: true)): the text is in "
                            + "another encoding, perhaps latin-1", at: position)
                }
            }
            target = append(scalar, at: target)
        }
        outputEnd = target
        return end
    }

    private func decodeUTF16(_ end: Int, isBigEndian: Bool) throws(ColumnarError) -> Int {
        let (high, low) = isBigEndian ? (0, 1) : (1, 0)
        var target = 0
        var position = 0
        if isAtStart, end >= 2 {
            isAtStart = false
            if input[high] == 0xFE, input[low] == 0xFF { position = 2 }
        }
        while position + 1 < end {
            let unit = UInt32(input[position + high]) << 8 | UInt32(input[position + low])
            if unit < 0x80 {
                output[target] = UInt8(truncatingIfNeeded: unit)
                target += 1
                position += 2
                continue
            }
            guard unit & 0xF800 == 0xD800 else {
                target = append(unit, at: target)
                position += 2
                continue
            }
            guard unit & 0x0400 == 0 else { throw unpaired(unit, at: position) }
            guard position + 3 < end else { break }
            let second = UInt32(input[position + 2 + high]) << 8 | UInt32(input[position + 2 + low])
            guard second & 0xFC00 == 0xDC00 else { throw unpaired(unit, at: position) }
            target = append(0x10000 + (unit & 0x3FF) << 10 + second & 0x3FF, at: target)
            position += 4
        }
        outputEnd = target
        return position
    }

    /// Writes a scalar of U+0080 and above as UTF-8.
    @inline(__always)
    private func append(_ scalar: UInt32, at target: Int) -> Int {
        func tail(_ shift: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: 0x80 | scalar >> shift & 0x3F) }
        if scalar < 0x800 {
            output[target] = UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6)
            output[target + 1] = tail(0)
            return target + 2
        }
        if scalar < 0x10000 {
            output[target] = UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12)
            output[target + 1] = tail(6)
            output[target + 2] = tail(0)
            return target + 3
        }
        output[target] = UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18)
        output[target + 1] = tail(12)
        output[target + 2] = tail(6)
        output[target + 3] = tail(0)
        return target + 4
    }

    private func unpaired(_ unit: UInt32, at position: Int) -> ColumnarError {
        invalid("the surrogate 0x\(String(unit, radix: 16, uppercase: true)) has no partner", at: position)
    }

    /// - Parameter position: in the input.
    private func invalid(_ reason: String, at position: Int) -> ColumnarError {
        let offset = inputOffset + Int64(position)
        let name =
            switch form {
            case .latin1: "latin-1"
            case .windows1252: "windows-1252"
            case .utf16(let isBigEndian): isBigEndian ? "utf-16be" : "utf-16le"
            }
        return ColumnarError(
            .invalidEncoding,
            "The text is read as \(name), and byte \(offset) of the file is wrong: \(reason). Check the encoding, or what "
                + "wrote the file.", byteOffset: offset)
    }

    func rewind() throws(ColumnarError) {
        try base.rewind()
        (outputStart, outputEnd, pending, inputOffset, isAtStart) = (0, 0, 0, 0, true)
    }
}
