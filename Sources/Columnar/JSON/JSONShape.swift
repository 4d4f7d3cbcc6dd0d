/// What values have stood in one place of the records: the kinds of plain values, the fields of objects, the elements
/// of lists.
final class JSONShape {
    struct Field {
        /// Normalised (`ColumnName.normalized`).
        var name: String
        /// As it stood in the input first.
        var sourceName: String
        var shape: JSONShape
    }

    /// Of plain values.
    var kinds = ValueKinds()
    var hasObjects = false
    var hasLists = false
    /// Objects here become text: they have too many fields, or names that are the same after normalising.
    private(set) var isOpaque = false
    /// Of the records themselves: whether an object within one has a name twice.
    fileprivate(set) var hasRepeatedNames = false
    private(set) var fields: [Field] = []
    private(set) var keys = JSONKeys()
    /// By field, the number of the object in which it stood last.
    private var stamps: [UInt64] = []
    private var stamp: UInt64 = 0
    private var element: JSONShape?

    /// Fields that an object within a record may have; objects with more are maps rather than records.
    static let maximumFields = 1000
    /// Nested levels that become columns; what lies deeper stays text.
    static let maximumLevels = 16

    /// The shape of list elements, made when first asked for.
    var elements: JSONShape {
        if let element { return element }
        let shape = JSONShape()
        element = shape
        return shape
    }

    func makeOpaque() {
        isOpaque = true
        fields = []
        keys = JSONKeys()
        stamps = []
    }

    /// Makes text of the objects in places that are text in another shape, that of the same records and more.
    func makeOpaque(where other: JSONShape) {
        let isMixed = (other.hasObjects || other.hasLists) && !other.kinds.isEmpty || other.hasObjects && other.hasLists
        if other.isOpaque || isMixed { return makeOpaqueThroughout() }
        for field in other.fields {
            fields.first { $0.name == field.name }?.shape.makeOpaque(where: field.shape)
        }
        if let theirs = other.element { element?.makeOpaque(where: theirs) }
    }

    private func makeOpaqueThroughout() {
        makeOpaque()
        element?.makeOpaqueThroughout()
    }

    // MARK: fields of one object after the other

    func beginObject() { stamp += 1 }

    /// Marks a field as seen in the present object.
    /// - Returns: whether it had been seen before.
    func mark(_ field: Int) -> Bool {
        if stamps[field] == stamp { return true }
        stamps[field] = stamp
        return false
    }

    /// The key of a name, which becomes a field where it is new; nil where that would be too many.
    func key(_ name: UnsafePointer<UInt8>, _ length: Int, limit: Int) -> Int? {
        if let known = keys.find(name, length) { return known }
        guard keys.count < limit else { return nil }
        let source = String(decoding: UnsafeBufferPointer(start: name, count: length), as: UTF8.self)
        let normalized = ColumnName.normalized(source)
        if let same = fields.firstIndex(where: { $0.name == normalized }) {
            return keys.add(name, length, field: same)
        }
        fields.append(Field(name: normalized, sourceName: source, shape: JSONShape()))
        stamps.append(0)
        return keys.add(name, length, field: fields.count - 1)
    }

    /// Makes a field that no object had, unless there is one.
    func ensureField(_ sourceName: String) {
        var name = sourceName
        name.withUTF8 { if let start = $0.baseAddress { _ = key(start, $0.count, limit: JSONSurveyor.maximumColumns) } }
    }

    // MARK: types

    /// Takes in what a type can hold.
    func formUnion(_ type: ColumnType) {
        switch type {
        case .list(let element):
            hasLists = true
            elements.formUnion(element)
        case .structure(let members):
            hasObjects = true
            for member in members {
                let known = fields.firstIndex { $0.name == member.name }
                if known == nil {
                    fields.append(Field(name: member.name, sourceName: member.name, shape: JSONShape()))
                    stamps.append(0)
                }
                fields[known ?? fields.count - 1].shape.formUnion(member.type)
            }
        default: kinds.formUnion(ValueKinds(type))
        }
    }

    /// The narrowest type that holds all values that were seen; nil where only nulls were.
    ///
    /// Values of different nature (numbers and strings, objects and lists) have only text in common: strings as they
    /// are, everything else as JSON. So do objects without fields, which Parquet cannot store.
    func type(level: Int = 0) -> ColumnType? {
        switch (kinds.isEmpty, hasObjects, hasLists) {
        case (true, false, false): return nil
        case (false, false, false): return kinds.type ?? .string
        case (true, true, false):
            guard !isOpaque, !fields.isEmpty, level < Self.maximumLevels,
                fields.allSatisfy({ !$0.name.isEmpty })
            else { return .string }
            return .structure(
                fields.map { ColumnSchema(name: $0.name, type: $0.shape.type(level: level + 1) ?? .string) })
        case (true, false, true):
            guard level < Self.maximumLevels else { return .string }
            return .list(element?.type(level: level + 1) ?? .string)
        default: return .string
        }
    }
}

/// What readers of one input, which may be several files of an archive, know about its records.
final class JSONKnowledge {
    var shape: JSONShape?
    /// Whether the shape is that of all records.
    let isComplete: Bool

    /// Records that are passed over as if they were not there.
    let skipped: SkippedRecords?

    /// - Parameter shape: of all records that are not skipped, where a survey was made.
    init(_ shape: JSONShape?, skipping skipped: SkippedRecords? = nil) {
        self.shape = shape
        isComplete = shape != nil
        self.skipped = skipped
        // From the first record on, once more.
        skipped?.cursor = SkippedRecords.Cursor()
    }
}

/// Looks at records to learn their shape.
struct JSONSurveyor {
    /// Of the records themselves.
    let root = JSONShape()
    /// Shapes of all places; nested objects turn to text where they grow too many.
    private var places = 0

    /// Columns that a file may have.
    static let maximumColumns = 5000

    /// Names of one object that are looked up because they come again; each takes a walk over those before.
    private static let maximumRepeats = 16

    private static let temporal: ValueKinds.Flags = [.date, .time, .timestamp, .instant]

    /// Looks at the record on which the scanner stands, and passes over it.
    /// - Returns: false where the records have too many fields for a table.
    mutating func look(_ scanner: inout JSONScanner) throws(JSONFault) -> Bool {
        guard scanner.byte == 0x7B else { throw JSONFault(.expectedObject, at: scanner.position) }
        return try object(&scanner, root, depth: 1)
    }

    private mutating func value(
        _ scanner: inout JSONScanner, _ shape: JSONShape, depth: Int
    ) throws(JSONFault) {
        let start = scanner.position
        switch scanner.byte {
        case 0x7B:
            shape.hasObjects = true
            // Already text, whatever comes: the value only has to be well-formed.
            if shape.isOpaque || shape.hasLists || !shape.kinds.isEmpty { return try scanner.skipValue(depth: depth) }
            if try !object(&scanner, shape, depth: depth) {
                shape.makeOpaque()
                scanner.position = start
                try scanner.skipValue(depth: depth)
            }
        case 0x5B:
            shape.hasLists = true
            if shape.hasObjects || !shape.kinds.isEmpty { return try scanner.skipValue(depth: depth) }
            guard depth <= JSONScanner.maximumDepth else { throw JSONFault(.tooDeep, at: start) }
            scanner.position += 1
            scanner.skipSpace()
            if scanner.byte == 0x5D {
                scanner.position += 1
                return
            }
            let elements = shape.elements
            repeat { try value(&scanner, elements, depth: depth + 1) } while try !scanner.endsList()
        case 0x22:
            let isPlain = try scanner.string()
            guard !shape.kinds.isText else { return }
            let text = scanner.bytes + start + 1
            shape.kinds.formUnion(
                isPlain ? Self.kinds(ofText: text, scanner.position - start - 2) : ValueKinds(.string))
        case 0x2D, 0x30...0x39:
            try scanner.number()
            if !shape.kinds.isText {
                shape.kinds.formUnion(ValueKinds(scanner.bytes + start, scanner.position - start))
            }
        default:
            try scanner.literal()
            if scanner.bytes[start] != 0x6E { shape.kinds.formUnion(ValueKinds(.boolean)) }
        }
    }

    /// Strings are dates and times, or text: a string of digits is no number.
    static func kinds(ofText text: UnsafePointer<UInt8>, _ length: Int) -> ValueKinds {
        guard length >= 8, length <= 40, text[0] &- 0x30 <= 9 else { return ValueKinds(.string) }
        let kinds = ValueKinds(text, length)
        return kinds.flags.isSubset(of: temporal) ? kinds : ValueKinds(.string)
    }

    /// - Returns: false where the object cannot be columns.
    private mutating func object(
        _ scanner: inout JSONScanner, _ shape: JSONShape, depth: Int
    ) throws(JSONFault) -> Bool {
        guard depth <= JSONScanner.maximumDepth else { throw JSONFault(.tooDeep, at: scanner.position) }
        shape.beginObject()
        let object = scanner.position
        scanner.position += 1
        scanner.skipSpace()
        if scanner.byte == 0x7D {
            scanner.position += 1
            return true
        }
        var expected = 0
        var repeats = 0
        repeat {
            let start = scanner.position
            guard scanner.byte == 0x22 else { throw JSONFault(.expectedName, at: start) }
            var field: Int
            if let match = shape.keys.matches(expected, scanner.bytes + start + 1) {
                field = match.field
                scanner.position = start + 1 + match.length
            } else {
                guard let key = try name(&scanner, shape, depth: depth) else { return false }
                field = shape.keys.field(key)
                expected = key
            }
            expected += 1
            if shape.mark(field) {
                if depth == 1 { throw JSONFault(.duplicateName, at: start) }
                // Within a record, names that only normalising makes the same are kept apart as text. The very same
                // name is malformed unless the whole becomes text, which shows when all records were seen.
                if repeats < Self.maximumRepeats {
                    guard isSameName(scanner, object, start) else { return false }
                    repeats += 1
                    root.hasRepeatedNames = true
                }
            }
            try scanner.colon()
            try value(&scanner, shape.fields[field].shape, depth: depth + 1)
        } while try !scanner.endsObject()
        return true
    }

    /// Passes over a name that was not expected.
    private mutating func name(
        _ scanner: inout JSONScanner, _ shape: JSONShape, depth: Int
    ) throws(JSONFault) -> Int? {
        let start = scanner.position + 1
        let isPlain = try scanner.string()
        let length = scanner.position - 1 - start
        if depth == 1, scanner.isEmptyName(start, length) { throw JSONFault(.emptyName, at: start - 1) }
        let limit = depth == 1 ? Self.maximumColumns : JSONShape.maximumFields
        let before = shape.fields.count
        var key: Int?
        if isPlain {
            key = shape.key(scanner.bytes + start, length, limit: limit)
        } else {
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: length + 1) { buffer in
                guard let target = buffer.baseAddress else { return }
                let count = JSONText.unescape(scanner.bytes + start, length, to: target)
                key = shape.key(target, count, limit: limit)
            }
        }
        places += shape.fields.count - before
        return places <= Self.maximumColumns ? key : nil
    }

    /// Whether the name that begins at `start` stood before in its object, to the letter.
    private func isSameName(_ scanner: JSONScanner, _ object: Int, _ start: Int) -> Bool {
        guard let names = scanner.names(ofObjectAt: object, upTo: start), let name = names.last else { return true }
        return names.dropLast().contains(name)
    }
}
