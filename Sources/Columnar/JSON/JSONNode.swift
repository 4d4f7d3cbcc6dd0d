/// What kinds of JSON values have stood in a column.
struct JSONTokens: OptionSet {
    var rawValue: UInt8

    static let string = JSONTokens(rawValue: 1)
    static let number = JSONTokens(rawValue: 2)
    static let boolean = JSONTokens(rawValue: 4)
    static let object = JSONTokens(rawValue: 8)
    static let emptyObject = JSONTokens(rawValue: 16)
    static let list = JSONTokens(rawValue: 32)
    /// A string without characters, which only text can hold.
    static let emptyString = JSONTokens(rawValue: 64)
    static let all = JSONTokens(rawValue: 0xFF)

    /// What a column may show without another type being due for it.
    ///
    /// A type that was given is not inferred from: whatever its text can be read as, it takes.
    init(type: ColumnType, shape: JSONShape?) {
        guard let shape else {
            self = .all
            return
        }
        switch type {
        case .boolean: self = .boolean
        case .bigint, .double, .decimal: self = .number
        case .list, .structure: self = .all
        case .string:
            let isUnknown = shape.type() == nil
            let hasOnlyEmptyObjects = shape.hasObjects && !shape.isOpaque && shape.fields.isEmpty
            let isMixed = shape.hasLists || !shape.kinds.isEmpty
            self = isUnknown ? [] : hasOnlyEmptyObjects && !isMixed ? .emptyObject : .all
        default: self = .string
        }
    }

    init(rawValue: UInt8) {
        self.rawValue = rawValue
    }
}

/// A place in the records and what becomes of the values there: part of a column of the output.
final class JSONNode {
    enum Content {
        /// A leaf of the column, by position.
        case value(Int)
        case list(JSONNode)
        case object
    }

    let content: Content
    /// The leaves at and below this place.
    let leaves: Range<Int>
    /// The definition level of a null here.
    let nullDefinition: UInt8
    /// Lists around this place.
    let repetition: UInt8
    let path: [String]
    /// Of a value: what it may be; what it was in the present batch.
    let allowed: JSONTokens
    /// Of a value: its type where that was given, so that each text must be tried on it.
    let checkedType: ColumnType?
    /// Of a value: whether it is text, where an empty string is a value and no null.
    let isText: Bool
    var seen: JSONTokens = []
    // Of an object.
    let keys = JSONKeys()
    let fields: [JSONNode]
    /// Positions of fields by normalised name.
    let positions: [String: Int]
    /// By field, the number of the object in which it stood last.
    var stamps: [UInt64]

    private init(
        _ content: Content, leaves: Range<Int>, level: (definition: Int, repetition: Int), path: [String],
        allowed: JSONTokens = .all, checkedType: ColumnType? = nil, isText: Bool = false, fields: [JSONNode] = [],
        names: [String] = []
    ) {
        self.content = content
        self.leaves = leaves
        nullDefinition = UInt8(level.definition)
        repetition = UInt8(level.repetition)
        self.path = path
        self.allowed = allowed
        self.checkedType = checkedType
        self.isText = isText
        self.fields = fields
        positions = Dictionary(zip(names, fields.indices)) { first, _ in first }
        stamps = Array(repeating: 0, count: fields.count)
    }

    /// The node of a column.
    /// - Parameter shape: what the type was inferred from; nil for a type that was given.
    static func column(_ column: ColumnSchema, shape: JSONShape?) -> JSONNode {
        var next = 0
        return make(column.type, shape, level: (0, 0), path: [column.name], next: &next)
    }

    private static func make(
        _ type: ColumnType, _ shape: JSONShape?, level: (definition: Int, repetition: Int), path: [String],
        next: inout Int
    ) -> JSONNode {
        let first = next
        switch type {
        case .list(let element):
            let inner = make(
                element, shape?.elements, level: (level.definition + 2, level.repetition + 1), path: path,
                next: &next)
            return JSONNode(.list(inner), leaves: first..<next, level: level, path: path)
        case .structure(let members):
            let fields = members.map { member in
                make(
                    member.type, shape?.fields.first { $0.name == member.name }?.shape,
                    level: (level.definition + 1, level.repetition), path: path + [member.name], next: &next)
            }
            return JSONNode(
                .object, leaves: first..<next, level: level, path: path, fields: fields, names: members.map(\.name))
        default:
            next += 1
            return JSONNode(
                .value(first), leaves: first..<next, level: level, path: path,
                allowed: JSONTokens(type: type, shape: shape),
                checkedType: shape == nil && type != .string ? type : nil, isText: type == .string)
        }
    }

    /// Whether a value of the batch was of a kind that its type is not for.
    var hasNews: Bool {
        switch content {
        case .value: !allowed.isSuperset(of: seen)
        case .list(let element): element.hasNews
        case .object: fields.contains { $0.hasNews }
        }
    }
}
