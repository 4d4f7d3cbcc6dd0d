/// Brings stored values of one type to the layout of another that holds them.
struct ParquetMergeValues {
    private let type: ColumnType
    private let leaf: ParquetLeaf
    private let layout: ColumnLayout

    init(_ leaf: ParquetLeaf, as type: ColumnType) {
        self.leaf = leaf
        self.type = type
        layout = ColumnLayout(type)
    }

    /// The values, nil where one exceeds what its own column declares.
    func vector(_ values: ParquetVector) -> ColumnVector? {
        switch values {
        case .boolean(let values): return .numbers(values.map { $0 ? 1 : 0 })
        case .double(let values): return .numbers(values.map { Int64(bitPattern: $0.bitPattern) })
        case .float(let values): return .numbers(values.map { Int64(bitPattern: Double($0).bitPattern) })
        case .int32(let values):
            if case .integer(_, isSigned: false)? = leaf.meaning {
                return integers(values.map { Int64(UInt32(bitPattern: $0)) })
            }
            return integers(values.map(Int64.init))
        case .int64(let values): return integers(values)
        case .int96: return nil
        case .bytes(let values):
            guard case .decimal = type else { return .texts(values) }
            var wide: [Int128] = []
            wide.reserveCapacity(values.count)
            for index in 0..<values.count {
                let bytes = values[index]
                guard bytes.count <= 16, let first = bytes.first else { return nil }
                var value: Int128 = first >= 0x80 ? -1 : 0
                for byte in bytes { value = value << 8 | Int128(byte) }
                wide.append(value)
            }
            return decimals(wide)
        }
    }

    private func integers(_ values: [Int64]) -> ColumnVector? {
        switch (type, leaf.meaning) {
        case (.double, _): return .numbers(values.map { Int64(bitPattern: Double($0).bitPattern) })
        case (.decimal, _): return decimals(values.map { Int128($0) })
        case (.timestamp, .date?): return scaled(values, by: TemporalText.microsecondsPerDay)
        case (_, .timestamp(unit: .milliseconds, _)?), (_, .time(unit: .milliseconds, _)?):
            return scaled(values, by: 1000)
        default: return .numbers(values)
        }
    }

    private func scaled(_ values: [Int64], by factor: Int64) -> ColumnVector? {
        var result: [Int64] = []
        result.reserveCapacity(values.count)
        for value in values {
            let (product, isOverflow) = value.multipliedReportingOverflow(by: factor)
            if isOverflow { return nil }
            result.append(product)
        }
        return .numbers(result)
    }

    /// From the leaf's scale to the type's, within the type's digits.
    private func decimals(_ values: [Int128]) -> ColumnVector? {
        guard case .decimal(let precision, let scale) = type else { return nil }
        var own = 0
        if case .decimal(_, let stored)? = leaf.meaning { own = Int(stored) }
        var (factor, limit): (Int128, Int128) = (1, 1)
        for _ in own..<max(own, scale) { factor *= 10 }
        for _ in 0..<precision { limit *= 10 }
        var result: [Int128] = []
        result.reserveCapacity(values.count)
        for value in values {
            let (product, isOverflow) = value.multipliedReportingOverflow(by: factor)
            guard !isOverflow, product > -limit, product < limit else { return nil }
            result.append(product)
        }
        if case .fixed16 = layout { return .wide(result) }
        return .numbers(result.map { Int64(truncatingIfNeeded: $0) })
    }
}
