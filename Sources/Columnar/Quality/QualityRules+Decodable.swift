extension QualityRules: Decodable {
    /// Fails with `DecodingError` for a shape that does not fit, an unknown key included, and with `ColumnarError`
    /// (`InvalidRule`) for a value that makes no sense.
    public init(from decoder: any Decoder) throws {
        let keys = try StrictKeys(
            decoder, ["requiredColumns", "columns", "rows", "thresholds", "nullTokens", "dqdl", "references"],
            of: "quality rules")
        var rules: [QualityRule] = []
        for name in try keys.value([String].self, "requiredColumns") ?? [] {
            rules.append(QualityRule(column: ColumnName.normalized(name), .exists))
        }
        if let columns = try keys.mapping("columns") {
            for key in columns.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
                rules += try Self.column(key.stringValue, try columns.superDecoder(forKey: key))
            }
        }
        if let rows = try keys.nested("rows", ["min", "max"], of: "rows") {
            let minimum = try rows.value(Int64.self, "min")
            let maximum = try rows.value(Int64.self, "max")
            guard minimum ?? 0 <= maximum ?? .max else {
                throw ColumnarError(.invalidRule, "rows: min \(minimum ?? 0) is above max \(maximum ?? 0).")
            }
            rules.append(QualityRule(column: nil, .rowCount(minimum: minimum, maximum: maximum)))
        }
        self.rules = rules
        thresholds = QualityThresholds()
        if let mapping = try keys.nested("thresholds", ["maximumBadRows", "maximumBadShare"], of: "thresholds") {
            thresholds.maximumBadRows = try mapping.value(Int64.self, "maximumBadRows")
            thresholds.maximumBadShare = try mapping.value(Double.self, "maximumBadShare")
            if let share = thresholds.maximumBadShare, !(0...1).contains(share) {
                throw ColumnarError(
                    .invalidRule, "thresholds: maximumBadShare is \(share); a share is between 0 and 1.")
            }
        }
        nullTokens = try keys.value([String].self, "nullTokens") ?? []
        if let text = try keys.value(String.self, "dqdl") { self.rules += try QualityRules(dqdl: text).rules }
        referenceLocations = try keys.value([String: String].self, "references") ?? [:]
    }

    private static func column(_ name: String, _ decoder: any Decoder) throws -> [QualityRule] {
        let keys = try StrictKeys(
            decoder,
            [
                "required", "type", "min", "max", "greaterThan", "lessThan", "minLength", "maxLength", "pattern",
                "allowed", "completeness",
            ], of: "column \(name)")
        let column = ColumnName.normalized(name)
        var rules: [QualityRule] = []
        func add(_ check: QualityRule.Check) { rules.append(QualityRule(column: column, check)) }
        if try keys.value(Bool.self, "required") == true {
            add(.exists)
            add(.complete)
        }
        if let type = try keys.value(String.self, "type") {
            guard let known = ColumnType(type) else {
                throw ColumnarError(
                    .invalidRule,
                    "Column \(name): the type \"\(type)\" is not known. Known are boolean, bigint, double, "
                        + "decimal(p,s), date, time, timestamp, timestamp with local time zone, string.",
                    column: column)
            }
            add(.type(known))
        }
        do {
            let lower = try keys.bound("min", exclusive: "greaterThan")
            let upper = try keys.bound("max", exclusive: "lessThan")
            if lower != nil || upper != nil { add(.range(try QualityRange(lower: lower, upper: upper))) }
            if let pattern = try keys.value(String.self, "pattern") { add(.pattern(try QualityPattern(pattern))) }
        } catch var error as ColumnarError {
            error.message = "Column \(name): \(error.message)"
            error.column = column
            throw error
        }
        let minLength = try keys.value(Int.self, "minLength")
        let maxLength = try keys.value(Int.self, "maxLength")
        guard minLength ?? 0 >= 0, maxLength ?? 0 >= 0, minLength ?? 0 <= maxLength ?? .max else {
            throw ColumnarError(
                .invalidRule,
                "Column \(name): no text has a length from \(minLength ?? 0) to \(maxLength.map(String.init) ?? "any"). "
                    + "minLength and maxLength are counts of characters, the first not above the second.",
                column: column)
        }
        if minLength != nil || maxLength != nil { add(.length(minimum: minLength, maximum: maxLength)) }
        if let allowed = try keys.value([RuleScalar].self, "allowed") { add(.allowed(TextSet(allowed.map(\.text)))) }
        if let share = try keys.value(Double.self, "completeness") {
            guard (0...1).contains(share) else {
                throw ColumnarError(
                    .invalidRule, "Column \(name): completeness is \(share); a share is between 0 and 1.",
                    column: column)
            }
            add(.completeness(share))
        }
        return rules
    }
}

/// A mapping whose keys are all known: a misspelt rule that silently does nothing would be worse than none.
private struct StrictKeys {
    struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private let container: KeyedDecodingContainer<Key>
    private let subject: String

    init(_ decoder: any Decoder, _ known: [String], of subject: String) throws {
        container = try decoder.container(keyedBy: Key.self)
        self.subject = subject
        for key in container.allKeys where !known.contains(key.stringValue) {
            throw ColumnarError(
                .invalidRule,
                "\(subject): \"\(key.stringValue)\" is not known. Known are \(known.joined(separator: ", ")).")
        }
    }

    func value<Value: Decodable>(_ type: Value.Type, _ key: String) throws -> Value? {
        try container.decodeIfPresent(type, forKey: Key(stringValue: key))
    }

    func mapping(_ key: String) throws -> KeyedDecodingContainer<Key>? {
        let key = Key(stringValue: key)
        guard container.contains(key), try !container.decodeNil(forKey: key) else { return nil }
        return try container.nestedContainer(keyedBy: Key.self, forKey: key)
    }

    func nested(_ key: String, _ known: [String], of subject: String) throws -> StrictKeys? {
        guard try mapping(key) != nil else { return nil }
        return try StrictKeys(try container.superDecoder(forKey: Key(stringValue: key)), known, of: subject)
    }

    /// One end of a range, given inclusively or exclusively but not both.
    func bound(_ inclusive: String, exclusive: String) throws -> QualityRange.Bound? {
        let within = try value(RuleScalar.self, inclusive)
        let beyond = try value(RuleScalar.self, exclusive)
        if within != nil && beyond != nil {
            throw ColumnarError(.invalidRule, "\(inclusive) and \(exclusive) are both given; give one.")
        }
        guard let scalar = within ?? beyond else { return nil }
        guard let bound = scalar.rangeValue else {
            throw ColumnarError(
                .invalidRule, "the bound \"\(scalar.text)\" is neither a number nor a date or timestamp as 2024-05-31.")
        }
        return QualityRange.Bound(bound, isInclusive: within != nil)
    }
}

/// A scalar whose type the writer of a rule need not think about: `allowed: [1, DE, true]`, `min: 2024-01-01`.
private struct RuleScalar: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(String.self) {
            text = value
        } else if let value = try? container.decode(Int64.self) {
            text = String(value)
        } else if let value = try? container.decode(Double.self) {
            text = "\(value)"
        } else {
            text = String(try container.decode(Bool.self))
        }
    }

    var rangeValue: QualityRange.Value? {
        if let value = Double(text), !value.isNaN { return .init(text, value) }
        // The text parsers read whole words beyond the end.
        let padded = Array(text.utf8) + [UInt8](repeating: 0, count: 16)
        return padded.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return nil }
            return TemporalText.timestamp(base, text.utf8.count).map { .time($0.microseconds) }
        }
    }
}
