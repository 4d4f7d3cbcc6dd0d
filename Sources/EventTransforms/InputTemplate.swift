import FunctionJSON

/// An `inputTemplate`: JSON with `<name>` in places of values and within strings, or one or several strings in quotes.
///
/// The rules are those that were recorded from AWS: docs/writing-rules.md, "What the handler gets".
struct InputTemplate: Sendable, Hashable {
    /// As EventBridge limits it, in characters.
    static let longest = 8192

    enum Segment: Sendable, Hashable {
        case literal([UInt8])
        /// `<name>` where a JSON value stands.
        case value(String)
        /// `<name>` within a string.
        case text(String)
    }

    /// What the template is made of.
    enum Form: Sendable, Hashable {
        /// A JSON value: objects put into its strings keep their quotes, which is why AWS does not deliver them.
        case json
        /// Texts in quotes, one a line: objects are put in with their quotes removed.
        case lines
    }

    let form: Form
    let segments: [Segment]

    /// Reads a template whose placeholders are among `names` or predefined. Throws `invalidTemplate`.
    init(_ template: String, names: Set<String>) throws(TransformError) {
        guard (1...Self.longest).contains(template.unicodeScalars.count) else {
            throw TransformError(
                .invalidTemplate, "the template must have between 1 and \(Self.longest) characters")
        }
        var scanner = TemplateScanner(template, names: names)
        segments = try scanner.scan()
        let first = template.utf8.first { !TemplateScanner.isSpace($0) }
        form = first == UInt8(ascii: "\"") ? .lines : .json
        try Self.check(segments, form)
    }

    /// Whatever the event holds, the template must be able to become JSON: tried with null, which
    /// cannot be the name of a member either.
    private static func check(_ segments: [Segment], _ form: Form) throws(TransformError) {
        var sample: [UInt8] = []
        for segment in segments {
            switch segment {
            case .literal(let bytes): sample += bytes
            case .value: sample += "null".utf8
            case .text: break
            }
        }
        do throws(JSONError) {
            _ = try render(sample, form)
        } catch {
            throw TransformError(
                .invalidTemplate,
                "the template is not JSON: \(error); a text goes in quotes, one a line, and quotes within it are "
                    + "written \\\"")
        }
    }

    /// The filled template as one JSON value without white space. Several strings become one, a line each: a handler
    /// takes one JSON value.
    static func render(_ filled: [UInt8], _ form: Form) throws(JSONError) -> [UInt8] {
        switch form {
        case .json:
            return try JSONValue(parsing: filled).serialized()
        case .lines:
            var lines: [String] = []
            for line in filled.split(separator: UInt8(ascii: "\n")) where !line.allSatisfy(TemplateScanner.isSpace) {
                let value = try JSONValue(parsing: Array(line))
                guard let text = value.string else {
                    // `"a": 1` and the like: parsed as a whole it gives the place of the fault.
                    return try JSONValue(parsing: filled).serialized()
                }
                lines.append(text)
            }
            return JSONValue.string(lines.joined(separator: "\n")).serialized()
        }
    }
}

/// Cuts a template at its placeholders.
struct TemplateScanner {
    /// Variables that every template has
    /// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html).
    static let predefined: Set<String> = [
        "aws.events.rule-arn", "aws.events.rule-name", "aws.events.event.ingestion-time", "aws.events.event",
        "aws.events.event.json",
    ]
    /// Those that are objects, and may only stand as values.
    private static let objects: Set<String> = ["aws.events.event", "aws.events.event.json"]

    private let bytes: [UInt8]
    private let names: Set<String>
    private var position = 0
    private var inString = false
    /// A placeholder stands in the string being read.
    private var stringHasPlaceholder = false
    private var literal: [UInt8] = []
    private var segments: [InputTemplate.Segment] = []

    init(_ template: String, names: Set<String>) {
        bytes = Array(template.utf8)
        self.names = names
    }

    static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    mutating func scan() throws(TransformError) -> [InputTemplate.Segment] {
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\\") where inString:
                literal += bytes[position..<min(position + 2, bytes.count)]
                position += 2
            case UInt8(ascii: "\""):
                literal.append(byte)
                position += 1
                try toggleString()
            case UInt8(ascii: "<"):
                if let name = placeholder() { try take(name) } else { keep(byte) }
            case UInt8(ascii: "\n"):
                // JSON strings do not go over lines: the next line begins anew, and the check names the fault.
                inString = false
                keep(byte)
            default:
                keep(byte)
            }
        }
        flush()
        return segments
    }

    private mutating func keep(_ byte: UInt8) {
        literal.append(byte)
        position += 1
    }

    private mutating func flush() {
        if !literal.isEmpty { segments.append(.literal(literal)) }
        literal = []
    }

    private mutating func toggleString() throws(TransformError) {
        defer {
            inString.toggle()
            stringHasPlaceholder = false
        }
        guard inString, stringHasPlaceholder else { return }
        let next = bytes[position...].first { !Self.isSpace($0) }
        if next == UInt8(ascii: ":") {
            throw TransformError(.invalidTemplate, "a placeholder cannot be the name of a member")
        }
    }

    /// The name up to the next `>`; nil for a `<` that nothing closes on its line, which stands for itself.
    private func placeholder() -> String? {
        guard let end = bytes[position...].firstIndex(of: UInt8(ascii: ">")) else { return nil }
        let inside = bytes[(position + 1)..<end]
        guard !inside.contains(UInt8(ascii: "\n")), !inside.contains(UInt8(ascii: "<")) else { return nil }
        return String(decoding: inside, as: UTF8.self)
    }

    private mutating func take(_ name: String) throws(TransformError) {
        guard names.contains(name) || Self.predefined.contains(name) else {
            throw TransformError(
                .invalidTemplate,
                "the template contains the invalid placeholder <\(name)>; known are "
                    + (names.sorted() + Self.predefined.sorted()).map { "<\($0)>" }.joined(separator: ", "))
        }
        if inString, Self.objects.contains(name) {
            throw TransformError(
                .invalidTemplate, "<\(name)> is an object and can only be a value, not a part of a text")
        }
        flush()
        segments.append(inString ? .text(name) : .value(name))
        if inString { stringHasPlaceholder = true }
        position += name.utf8.count + 2
    }
}
