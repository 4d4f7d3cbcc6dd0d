import CivilCalendar

/// Finds the partition of each row by the texts of its key columns.
final class PartitionReader {
    /// A partition: its path and the values of its columns.
    struct Partition {
        var path: String
        var values: [String]
    }

    /// Where a key's values come from, and what was seen of them.
    private struct Source {
        let key: Partitioning.Key
        let origin: OutputPlan.Origin
        let column: ColumnSchema
        /// Position in the plan.
        let position: Int
        let nullTokens: NullTokens
        /// Numbers of values by the texts of their fields; for times, by their period.
        var texts = ValueDictionary(keepsAllTexts: true)
        /// The number of the value that each text of `texts` stands for.
        var numbers: [UInt32] = []
        var periods: [Int64: UInt32] = [:]
        /// Numbers of values by their bytes: two texts of the same characters may differ in them.
        var values: [[UInt8]: UInt32] = [:]
        /// Folders and column values by number; 0 is null.
        var folders: [(path: String, values: [String])] = []
    }

    private var sources: [Source] = []
    private let most: Int
    private var pairs: [UInt64: UInt32] = [:]
    private(set) var partitions: [Partition] = []
    private let scratch = RecordScratch()

    /// - Parameters:
    ///   - plan: the columns of the conversion.
    ///   - columns: the same with their types.
    /// - Throws: `MissingColumn`, `DuplicateColumn`, `Unsupported` for keys that the columns do not allow.
    init(
        _ partitioning: Partitioning, plan: OutputPlan, columns: [ColumnSchema], nullTokens: NullTokens
    ) throws(ColumnarError) {
        most = partitioning.mostPartitions
        var names: Set<String> = []
        for key in partitioning.keys {
            let name: String
            switch key {
            case .column(let column), .time(let column, _), .timePath(let column, _): name = column
            }
            guard let position = columns.firstIndex(where: { $0.name == name }) else {
                throw ColumnarError(
                    .missingColumn,
                    "There is no column \(name) to partition by; there are \(columns.map(\.name).joined(separator: ", ")).",
                    column: name)
            }
            try Self.check(key, columns[position])
            for column in Partitioning(keys: [key]).partitionColumns([:]) {
                let isTaken = column.name != name && columns.contains { $0.name == column.name }
                guard names.insert(column.name).inserted, !isTaken else {
                    throw ColumnarError(
                        .duplicateColumn,
                        "Partitions would have a column \(column.name), and there is another one of that name. "
                            + "Rename it, or partition otherwise.", column: column.name)
                }
            }
            var source = Source(
                key: key, origin: plan.columns[position].origin, column: columns[position], position: position,
                nullTokens: plan.columns[position].nullTokens(nullTokens))
            source.folders.append(Self.folder(key, nil, period: nil))
            sources.append(source)
        }
    }

    deinit { for source in sources { source.texts.free() } }

    private static func check(_ key: Partitioning.Key, _ column: ColumnSchema) throws(ColumnarError) {
        switch (key, column.type) {
        case (.column, .double), (.column, .timestamp), (.column, .timestampUTC):
            throw ColumnarError(
                .unsupported,
                "Cannot partition by the values of \(column.name), which is \(column.type): "
                    + (column.type == .double
                        ? "equal numbers have many texts. Use a decimal." : "use \(column.name):day."),
                column: column.name)
        case (.column, .boolean), (.column, .bigint), (.column, .decimal), (.column, .date), (.column, .time),
            (.column, .string):
            break
        case (.column, _):
            throw ColumnarError(
                .unsupported, "Cannot partition by \(column.name), which is \(column.type).", column: column.name)
        // A column without any value is text, and its rows are in the partition of null.
        case (_, .date), (_, .timestamp), (_, .timestampUTC), (_, .string): break
        default:
            throw ColumnarError(
                .unsupported,
                "Cannot partition by the time in \(column.name), which is \(column.type). Name a date or timestamp.",
                column: column.name)
        }
    }

    /// Makes the only partition where there are no keys and no rows.
    func beginOnly() { partitions = [Partition(path: "", values: [])] }

    // MARK: rows

    /// The number of each row's partition, in `partitions`.
    /// - Returns: a field that does not fit its column's type; nil where all do.
    func assign(
        _ segment: BatchSegment, into ids: inout [UInt32]
    ) throws(ColumnarError) -> (column: Int, row: Int)? {
        ids = Array(repeating: 0, count: segment.count)
        if sources.isEmpty {
            if partitions.isEmpty { partitions = [Partition(path: "", values: [])] }
            return nil
        }
        var numbers = [UInt32](repeating: 0, count: segment.count)
        for index in sources.indices {
            let misfit = try segment.withTable(sources[index].origin) { table throws(ColumnarError) -> Int? in
                guard let table else { return nil }
                return try number(table, source: index, into: &numbers)
            }
            if let misfit { return (sources[index].position, misfit) }
            for row in 0..<segment.count {
                // Numbers of prefixes: each is found by the one before and the value.
                ids[row] = try prefix(index, ids[row], numbers[row])
            }
        }
        return nil
    }

    /// The number of a path that goes on with a value; at the last key, that of the partition.
    @inline(__always)
    private func prefix(_ depth: Int, _ before: UInt32, _ number: UInt32) throws(ColumnarError) -> UInt32 {
        let key = UInt64(before) << 32 | UInt64(number) | UInt64(depth) << 60
        if let known = pairs[key] { return known }
        return try addPrefix(key, depth, before, number)
    }

    private var prefixes: [[[UInt32]]] = []

    private func addPrefix(
        _ key: UInt64, _ depth: Int, _ before: UInt32, _ number: UInt32
    ) throws(ColumnarError) -> UInt32 {
        while prefixes.count <= depth { prefixes.append([]) }
        let path = (depth == 0 ? [] : prefixes[depth - 1][Int(before)]) + [number]
        let id = UInt32(prefixes[depth].count)
        guard prefixes[depth].count < most else {
            throw ColumnarError(
                .limitExceeded,
                "There are more than \(most) partitions. Partition by columns with fewer values, or by a coarser time.",
                column: sources[depth].column.name)
        }
        prefixes[depth].append(path)
        pairs[key] = id
        if depth == sources.count - 1 {
            var partition = Partition(path: "", values: [])
            for (source, number) in zip(sources, path) {
                partition.path += source.folders[Int(number)].path
                partition.values += source.folders[Int(number)].values
            }
            partitions.append(partition)
        }
        return id
    }

    /// Numbers of the values of one key.
    private func number(
        _ table: FieldTable, source index: Int, into numbers: inout [UInt32]
    ) throws(ColumnarError) -> Int? {
        let (type, nullTokens) = (sources[index].column.type, sources[index].nullTokens)
        for row in 0..<table.rows {
            let start = Int(table.starts[row * table.stride]) + 1
            var (text, length) = (table.bytes + start, Int(table.ends[row * table.stride]) - start)
            numbers[row] = 0
            if length <= 0 { continue }
            if table.text.isQuoted(text, length) {
                scratch.clear()
                (text, length) = scratch.unquoted(text, length, table.text)
                if type != .string, length == 0 || nullTokens.contains(text, length) { continue }
            } else if nullTokens.contains(text, length) {
                continue
            }
            let number =
                switch sources[index].key {
                case .column: try valueNumber(index, text, length)
                case .time(_, let unit), .timePath(_, let unit): try periodNumber(index, text, length, unit)
                }
            guard let number else { return row }
            numbers[row] = number
        }
        return nil
    }

    private func valueNumber(
        _ index: Int, _ text: UnsafePointer<UInt8>, _ length: Int
    ) throws(ColumnarError) -> UInt32? {
        if let id = sources[index].texts.find(text, length, flags: 0) { return sources[index].numbers[Int(id)] }
        guard let value = Self.canonical(text, length, sources[index].column.type) else { return nil }
        guard value != PartitionPath.null else {
            throw ColumnarError(
                .unsupported,
                "Column \(sources[index].column.name) has the text \(PartitionPath.null), which stands for null in the "
                    + "paths of partitions. Make it a null token, or partition by another column.",
                column: sources[index].column.name)
        }
        // Different texts of one value (`true`, `TRUE`) are one partition.
        let key = Array(value.utf8)
        let number = sources[index].values[key] ?? UInt32(sources[index].folders.count)
        if Int(number) == sources[index].folders.count {
            guard sources[index].folders.count <= most else {
                throw ColumnarError(
                    .limitExceeded,
                    "Column \(sources[index].column.name) has more than \(most) values. Partition by another column.",
                    column: sources[index].column.name)
            }
            sources[index].values[key] = number
            sources[index].folders.append(Self.folder(sources[index].key, value, period: nil))
        }
        _ = sources[index].texts.insert(text, length, flags: 0, value: 0)
        sources[index].numbers.append(number)
        return number
    }

    /// The one text of a value; nil where the text does not fit the type.
    private static func canonical(_ text: UnsafePointer<UInt8>, _ length: Int, _ type: ColumnType) -> String? {
        let plain = String(decoding: UnsafeBufferPointer(start: text, count: length), as: UTF8.self)
        switch type {
        case .boolean: return BooleanText.parse(text, length).map { $0 ? "true" : "false" }
        case .bigint: return IntegerText.parse(text, length).map { "\($0)" }
        case .date: return TemporalText.date(text, length).map { TemporalText.text(days: $0) }
        case .time:
            return TemporalText.timeOfDay(text, length, allowsShort: true).map { TemporalText.text(timeOfDay: $0) }
        case .decimal(let precision, let scale):
            guard let value = DecimalText.parse(text, length, precision: precision, scale: scale) else { return nil }
            let bytes = (0..<16).map { UInt8(truncatingIfNeeded: value >> Int128(120 - 8 * $0)) }
            return ParquetDecimal(unscaled: bytes, scale: scale).description
        default: return plain
        }
    }

    private func periodNumber(
        _ index: Int, _ text: UnsafePointer<UInt8>, _ length: Int, _ unit: Partitioning.Unit
    ) throws(ColumnarError) -> UInt32? {
        let type = sources[index].column.type
        guard type != .string else {
            throw ColumnarError(
                .unsupported,
                "Cannot partition by the time in \(sources[index].column.name), which is string. Name a date or timestamp.",
                column: sources[index].column.name)
        }
        guard TypeCheck.holds(text, length, type), let time = TemporalText.timestamp(text, length) else { return nil }
        let hours = time.microseconds.flooredDivision(by: 3_600_000_000).quotient
        let days = hours.flooredDivision(by: 24).quotient
        // Hours and days are found at once; months and years by their first day.
        var period = unit == .hour ? hours : days
        let date = unit == .hour || unit == .day ? (0, 0, 0) : civilDate(daysSinceEpoch: Int(days))
        if unit == .month { period = Int64(daysSinceEpoch(year: date.0, month: date.1, day: 1)) }
        if unit == .year { period = Int64(daysSinceEpoch(year: date.0, month: 1, day: 1)) }
        if let known = sources[index].periods[period] { return known }
        let number = UInt32(sources[index].folders.count)
        guard sources[index].folders.count <= most else {
            throw ColumnarError(
                .limitExceeded,
                "Column \(sources[index].column.name) spans more than \(most) partitions. Choose a coarser unit.",
                column: sources[index].column.name)
        }
        sources[index].periods[period] = number
        sources[index].folders.append(
            Self.folder(sources[index].key, nil, period: (unit == .hour ? hours : period * 24)))
        return number
    }

    /// Folders and column values of a value, of a period (hours since 1970-01-01) or, without both, of null.
    private static func folder(
        _ key: Partitioning.Key, _ value: String?, period: Int64?
    ) -> (path: String, values: [String]) {
        switch key {
        case .column(let name): return (PartitionPath.folder(name, value), [value ?? PartitionPath.null])
        case .time(_, let unit), .timePath(_, let unit):
            let isNamed = if case .time = key { true } else { false }
            var parts: [String?] = unit.parts.map { _ in nil }
            if let period {
                let (days, hour) = period.flooredDivision(by: 24)
                let date = civilDate(daysSinceEpoch: Int(days))
                let all = [(date.year, 4), (date.month, 2), (date.day, 2), (Int(hour), 2)]
                parts = all.prefix(unit.rawValue).map { padded(UInt64($0.0), to: $0.1) }
            }
            var path = ""
            for (part, text) in zip(unit.parts, parts) { path += PartitionPath.folder(isNamed ? "\(part)" : nil, text) }
            return (path, parts.map { $0 ?? PartitionPath.null })
        }
    }
}
