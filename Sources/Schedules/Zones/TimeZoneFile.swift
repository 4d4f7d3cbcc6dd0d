extension TimeZoneRules {
    /// Reads a time zone file (TZif, RFC 9636), of any version. Throws `invalidZone`.
    package init(file bytes: [UInt8]) throws(ScheduleError) {
        var reader = TimeZoneFileReader(bytes)
        self = try reader.read()
    }
}

/// Walks the bytes of a TZif file.
private struct TimeZoneFileReader {
    private struct Header {
        var version: UInt8
        var utcIndicators: Int
        var standardIndicators: Int
        var leaps: Int
        var times: Int
        var types: Int
        var characters: Int

        /// Bytes of the data after the header.
        func length(timeSize: Int) -> Int {
            times * timeSize + times + types * 6 + characters + leaps * (timeSize + 4) + standardIndicators
                + utcIndicators
        }
    }

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func read() throws(ScheduleError) -> TimeZoneRules {
        var header = try header()
        var timeSize = 4
        if header.version >= UInt8(ascii: "2") {
            position += header.length(timeSize: 4)
            header = try self.header()
            timeSize = 8
        }
        let end = position + header.length(timeSize: timeSize)
        guard header.types > 0, end <= bytes.count else { throw Self.invalid("it is cut short") }
        var moments: [Int64] = []
        for _ in 0..<header.times { moments.append(integer(timeSize)) }
        let indices = (0..<header.times).map { Int(bytes[position + $0]) }
        position += header.times
        var offsets: [Int64] = []
        for _ in 0..<header.types {
            offsets.append(integer(4))
            position += 2
        }
        // No clock is further from UTC than a day and some hours; moments go back to before all clocks.
        guard offsets.allSatisfy({ abs($0) < 100_000 }), moments.allSatisfy({ $0 > -(1 << 60) && $0 < 1 << 60 }) else {
            throw Self.invalid("its offsets are damaged")
        }
        guard indices.allSatisfy({ $0 < offsets.count }), zip(moments, moments.dropFirst()).allSatisfy({ $0 < $1 })
        else { throw Self.invalid("its transitions are damaged") }
        position = end
        return TimeZoneRules(
            moments: moments, offsets: [offsets[0]] + indices.map { offsets[$0] },
            rule: timeSize == 8 ? try footer() : nil)
    }

    private mutating func header() throws(ScheduleError) -> Header {
        guard bytes.count >= position + 44, bytes[position..<(position + 4)].elementsEqual("TZif".utf8) else {
            throw Self.invalid("it does not begin with TZif")
        }
        let version = bytes[position + 4]
        position += 20
        var counts: [Int] = []
        for _ in 0..<6 { counts.append(Int(integer(4))) }
        guard counts.allSatisfy({ (0...100_000).contains($0) }) else { throw Self.invalid("its counts are damaged") }
        let header = Header(
            version: version, utcIndicators: counts[0], standardIndicators: counts[1], leaps: counts[2],
            times: counts[3], types: counts[4], characters: counts[5])
        guard header.leaps == 0 else { throw Self.invalid("it counts leap seconds, which system clocks do not") }
        return header
    }

    private mutating func footer() throws(ScheduleError) -> PosixZone? {
        guard position < bytes.count, bytes[position] == 0x0A,
            let end = bytes[(position + 1)...].firstIndex(of: 0x0A)
        else { throw Self.invalid("it has no rule at its end") }
        let text = String(decoding: bytes[(position + 1)..<end], as: UTF8.self)
        guard !text.isEmpty else { return nil }
        guard let rule = PosixZone(text) else { throw Self.invalid("its rule `\(text)` cannot be read") }
        return rule
    }

    /// Big-endian, with a sign.
    private mutating func integer(_ size: Int) -> Int64 {
        var value: UInt64 = 0
        for byte in bytes[position..<(position + size)] { value = value << 8 | UInt64(byte) }
        position += size
        return size == 8 ? Int64(bitPattern: value) : Int64(Int32(truncatingIfNeeded: value))
    }

    private static func invalid(_ reason: String) -> ScheduleError {
        ScheduleError(.invalidZone, "the time zone file is damaged: \(reason)")
    }
}
