extension ColumnType {
    /// Whether values have a mean.
    var isNumber: Bool {
        switch self {
        case .bigint, .double, .decimal: true
        default: false
        }
    }

    /// Whether values are whole numbers, which may be those of cards.
    var isWhole: Bool {
        switch self {
        case .bigint: true
        case .decimal(_, let scale): scale == 0
        default: false
        }
    }

    /// By what stored numbers are too large.
    var scaleFactor: Double {
        guard case .decimal(_, let scale) = self else { return 1 }
        return (0..<scale).reduce(1.0) { factor, _ in factor * 10 }
    }

    func text(least bounds: ValueBounds) -> String {
        isStoredAsBytes ? text(stored: bounds.leastText) : text(number: bounds.least)
    }

    func text(greatest bounds: ValueBounds) -> String {
        isStoredAsBytes ? text(stored: bounds.greatestText) : text(number: bounds.greatest)
    }

    private var isStoredAsBytes: Bool {
        let layout = ColumnLayout(self)
        return layout == .text || layout == .fixed16
    }

    /// A stored value: the text itself, eight bytes of a number, or sixteen of a large decimal.
    func text(stored bytes: [UInt8]) -> String {
        switch ColumnLayout(self) {
        case .text:
            let text = String(decoding: bytes, as: UTF8.self)
            return text.count > 200 ? text.prefix(200) + "…" : text
        case .fixed16:
            let value = bytes.reduce(Int128(bytes.first ?? 0 >= 0x80 ? -1 : 0)) { $0 << 8 | Int128($1) }
            return text(decimal: value)
        default:
            let value = bytes.prefix(8).enumerated().reduce(UInt64(0)) {
                $0 | UInt64($1.element) << UInt64($1.offset * 8)
            }
            return text(number: Int64(bitPattern: value))
        }
    }

    private func text(number: Int64) -> String {
        switch self {
        case .boolean: number == 0 ? "false" : "true"
        // Bounds of zero have a sign that values need not have.
        case .double: "\(Double(bitPattern: UInt64(bitPattern: number == .min ? 0 : number)))"
        case .decimal: text(decimal: Int128(number))
        case .date: TemporalText.text(days: number)
        case .time: TemporalText.text(timeOfDay: number)
        case .timestamp: TemporalText.text(microseconds: number)
        case .timestampUTC: TemporalText.text(microseconds: number) + "Z"
        case .bigint, .string, .list, .structure: String(number)
        }
    }

    private func text(decimal value: Int128) -> String {
        guard case .decimal(_, let scale) = self, scale > 0 else { return String(value) }
        let digits = String(value.magnitude)
        let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
        return (value < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
    }
}
