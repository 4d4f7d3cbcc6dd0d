/// Times as Apache and nginx write them.
enum AccessLogTime {
    /// From 1; nil for other letters.
    private static func month(_ text: UnsafePointer<UInt8>) -> UInt8? {
        switch (text[0], text[1], text[2]) {
        case (0x4A, 0x61, 0x6E): 1  // Jan
        case (0x46, 0x65, 0x62): 2  // Feb
        case (0x4D, 0x61, 0x72): 3  // Mar
        case (0x41, 0x70, 0x72): 4  // Apr
        case (0x4D, 0x61, 0x79): 5  // May
        case (0x4A, 0x75, 0x6E): 6  // Jun
        case (0x4A, 0x75, 0x6C): 7  // Jul
        case (0x41, 0x75, 0x67): 8  // Aug
        case (0x53, 0x65, 0x70): 9  // Sep
        case (0x4F, 0x63, 0x74): 10  // Oct
        case (0x4E, 0x6F, 0x76): 11  // Nov
        case (0x44, 0x65, 0x63): 12  // Dec
        default: nil
        }
    }

    /// `10/Oct/2000:13:55:36 -0700` as ISO 8601 in the annex; nil where it is no time.
    static func text(_ range: Range<Int>, _ fields: LineFields) -> Range<Int>? {
        guard range.count == 26 else { return nil }
        fields.batch.reserveAnnex(24)
        let text = fields.bytes + range.lowerBound
        guard text[2] == 0x2F, text[6] == 0x2F, text[11] == 0x3A, text[20] == 0x20 else { return nil }
        guard let month = Self.month(text + 3) else { return nil }
        let target = fields.batch.base + fields.batch.annexEnd
        func put(_ offset: Int, _ source: Int, _ count: Int) {
            for index in 0..<count { target[offset + index] = text[source + index] }
        }
        put(0, 7, 4)
        target[5] = 0x30 + month / 10
        target[6] = 0x30 + month % 10
        put(8, 0, 2)
        put(11, 12, 8)
        put(19, 21, 5)
        (target[4], target[7], target[10]) = (0x2D, 0x2D, 0x54)
        guard TemporalText.timestamp(target, 24)?.hasZone == true else { return nil }
        let place = fields.batch.commitAnnex(24)
        return place..<place + 24
    }
}
