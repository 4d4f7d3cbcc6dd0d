import FunctionJSON
import HostAPI

/// The JSON object of a request, read field by field: what is there has the right kind, or the request is refused as
/// AWS does. `null` counts as absent.
struct AWSInput: Sendable {
    let node: JSONNode
    /// The field that holds the object; empty for the request itself.
    private let parent: String
    /// From 1, where that is a list.
    private let number: Int?

    init(parsing bytes: [UInt8]) throws(AWSError) {
        do {
            node = try JSONDocument(parsing: bytes.isEmpty ? Array("{}".utf8) : bytes).root
        } catch {
            throw .serialization("the request's body is not JSON: \(error)")
        }
        (parent, number) = ("", nil)
        guard node.kind == .object else {
            throw .serialization("the request's body must be an object, not \(node.kind)")
        }
    }

    private init(_ node: JSONNode, in parent: String, number: Int? = nil) throws(AWSError) {
        self.node = node
        self.parent = parent
        self.number = number
        guard node.kind == .object else {
            throw .serialization("`\(place.dropLast())` must be an object, not \(node.kind)")
        }
    }

    /// Before the names of fields in refusals, such as `records.1.member.`.
    private var place: String {
        guard !parent.isEmpty else { return "" }
        return Self.lower(parent) + (number.map { ".\($0).member." } ?? ".")
    }

    private func field(_ name: String) -> JSONNode? {
        guard let value = node[name], value.kind != .null else { return nil }
        return value
    }

    func has(_ name: String) -> Bool { field(name) != nil }

    func text(_ name: String) throws(AWSError) -> String? {
        guard let value = field(name) else { return nil }
        guard let text = value.string else { throw wrong(name, value, "a string") }
        return text
    }

    /// A text that must be there.
    func needed(_ name: String) throws(AWSError) -> String {
        guard let text = try text(name) else { throw validation(nil, name, "not be null") }
        return text
    }

    /// One of some words that must be there.
    func word(_ name: String, of words: [String]) throws(AWSError) -> String {
        let word = try needed(name)
        guard words.contains(word) else {
            throw validation(word, name, "satisfy enum value set: [\(words.joined(separator: ", "))]")
        }
        return word
    }

    func integer(_ name: String, in range: ClosedRange<Int64>) throws(AWSError) -> Int? {
        guard let value = field(name) else { return nil }
        guard let number = value.int64 else { throw wrong(name, value, "an integer") }
        guard number >= range.lowerBound else {
            throw validation("\(number)", name, "have value greater than or equal to \(range.lowerBound)")
        }
        guard number <= range.upperBound else {
            throw validation("\(number)", name, "have value less than or equal to \(range.upperBound)")
        }
        return Int(number)
    }

    func flag(_ name: String) throws(AWSError) -> Bool {
        guard let value = field(name) else { return false }
        guard let flag = value.bool else { throw wrong(name, value, "a boolean") }
        return flag
    }

    /// Seconds since 1970, with fractions; some clients send RFC 3339.
    func time(_ name: String) throws(AWSError) -> APITime? {
        guard let value = field(name) else { return nil }
        if let text = value.string, let time = APITime(rfc3339: text) { return time }
        guard let seconds = value.double, abs(seconds) < 2.5e11 else { throw wrong(name, value, "a timestamp") }
        return APITime(milliseconds: Int64((seconds * 1000).rounded()))
    }

    func object(_ name: String) throws(AWSError) -> AWSInput? {
        guard let value = field(name) else { return nil }
        return try AWSInput(value, in: name)
    }

    /// The objects of an array; nil where there is none.
    func objects(_ name: String) throws(AWSError) -> [AWSInput]? {
        guard let value = field(name) else { return nil }
        guard value.kind == .array else { throw wrong(name, value, "a list") }
        var objects: [AWSInput] = []
        objects.reserveCapacity(value.count)
        for element in value.elements {
            objects.append(try AWSInput(element, in: name, number: objects.count + 1))
        }
        return objects
    }

    /// The refusal of a field's value. `constraint` goes on after "Member must".
    func validation(_ value: String?, _ name: String, _ constraint: String) -> AWSError {
        .validation(value, at: place + Self.lower(name), constraint)
    }

    func wrong(_ name: String, _ value: JSONNode, _ wanted: String) -> AWSError {
        .serialization("`\(place)\(name)` must be \(wanted), not \(value.kind)")
    }

    /// Names in refusals begin with a small letter.
    private static func lower(_ name: String) -> String { name.prefix(1).lowercased() + name.dropFirst() }
}
