import EventPatterns
import FunctionJSON

/// `pattern:` of a rule: a mapping, or a text that holds JSON.
enum PatternText {
    /// Tree and JSON text. Nil, with a report, if it is absent or cannot be one.
    static func read(_ reader: inout MappingReader) -> (YAMLNode, String)? {
        let file = reader.file
        guard let node = reader.node("pattern") else {
            reader.missing(
                "pattern",
                hint: "write pattern: {source: [aws.s3]}, or the JSON of an EventBridge pattern, or a schedule")
            return nil
        }
        switch node.value {
        case .mapping:
            JSONNumbers.check(node, in: "a pattern", file: file)
            warnOfNumbers(node, path: [], file: file)
            return (node, node.json)
        case .string(let text):
            // Without the text's lines, all of it stands where it begins.
            let inFile = { node.lines?.place(of: $0) ?? node.place }
            do throws(JSONError) {
                let tree = try JSONReader.tree(of: text).relocated(inFile)
                warnOfNumbers(tree, path: [], file: file)
                return (tree, text)
            } catch let fault {
                // What is missing at the end is missing behind the last word, not at whatever follows in the file.
                let blanks = text.utf8.reversed().prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
                let end = text.utf8.count - blanks.count
                let place = inFile(JSONReader.place(of: min(fault.offset, end), in: text))
                // Most of what is no JSON is no pattern, and is told in EventBridge's words.
                guard (try? EventPattern(parsing: text, dialect: .extended)) != nil else {
                    return (YAMLNode(value: .null, text: "", place: place), text)
                }
                file.report(
                    .invalidJSON,
                    "the text of the pattern is not one JSON value: \(node.lines == nil ? "\(fault)" : fault.message)",
                    at: place,
                    hint: fault.code == .trailingBytes
                        ? "EventBridge passes over what stands behind the pattern; take it away" : nil)
                return nil
            }
        default:
            reader.invalid("pattern", node, "a mapping, or a text with JSON")
            return nil
        }
    }

    /// Whether `warnOfNumbers` tells of an account, so that nothing else need be said of it.
    static func hasNumericAccount(_ tree: YAMLNode) -> Bool {
        guard case .mapping(let entries) = tree.value,
            case .sequence(let items)? = entries.last(where: { $0.key == "account" })?.value.value
        else { return false }
        return items.contains { if case .integer = $0.value { true } else { false } }
    }

    /// `account: [012345678901]` compares with a number, but the account of an event is a text.
    private static func warnOfNumbers(_ node: YAMLNode, path: [String], file: ConfigFile) {
        switch node.value {
        case .mapping(let entries):
            for entry in entries { warnOfNumbers(entry.value, path: path + [entry.key], file: file) }
        case .sequence(let items):
            for item in items { warnOfNumbers(item, path: path, file: file) }
        case .integer(let number):
            let digits = node.text.drop { $0 == "-" || $0 == "+" }
            let account = path == ["account"]
            if account || (digits.count > 1 && digits.first == "0" && digits.allSatisfy(\.isNumber)) {
                file.report(
                    .suspicious,
                    account
                        ? "the account of an event is a text, so the number \(node.text) never matches"
                        : "\(node.text) is read as the number \(number)",
                    at: node.place, hint: "if a text is meant, quote it: \"\(node.text)\"", severity: .warning)
            }
        default: break
        }
    }
}
