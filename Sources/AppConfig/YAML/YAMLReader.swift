import Yams

/// Text to a tree of `YAMLNode`, through Yams' node layer, which keeps lines.
struct YAMLReader {
    /// Aliases multiply: more values than this in one file are refused (a "billion laughs" file has 10⁹).
    static let maximumNodes = 100_000
    /// The parser's own limit, which aliases pass by: each may stand for what is nested as deep as that.
    static let maximumNesting = 1000

    /// Where the text comes from; findings go there.
    let file: ConfigFile
    private let text: String
    /// Those of the file; most files have no text of which they must be known.
    private lazy var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    private var nodes = 0
    private var tooMany = false
    private var depth = 0
    private var tooDeep = false

    private static let tooDeep = "more than 1,000 lists and mappings are nested in one another"

    /// Nil for an empty document, and for one that cannot be read: then a finding was reported. A file whose name ends
    /// in `.json` is read as JSON.
    static func read(_ text: String, file: ConfigFile) -> YAMLNode? {
        if file.name.hasSuffix(".json") { return JSONReader.read(text, file: file) }
        do {
            guard let root = try Yams.compose(yaml: text, .basic, .default, .utf8) else { return nil }
            var reader = YAMLReader(text, file: file)
            let node = reader.convert(root)
            if reader.tooMany {
                file.report(
                    .invalidYAML, "the file stands for more than \(maximumNodes) values", at: nil,
                    hint: "aliases (*name) repeat what they name; write it out, or use fewer")
                return nil
            }
            guard !reader.tooDeep else {
                file.report(.invalidYAML, tooDeep, at: nil, hint: "aliases (*name) nest what they name; write it out")
                return nil
            }
            return node
        } catch let error as YamlError {
            report(error, in: text, file: file)
        } catch {
            file.report(.invalidYAML, "not YAML: \(error)", at: nil)
        }
        return nil
    }

    private init(_ text: String, file: ConfigFile) {
        self.text = text
        self.file = file
    }

    private mutating func convert(_ node: Node) -> YAMLNode {
        nodes += 1
        let place = node.mark.map { Place(line: $0.line, column: $0.column) } ?? Place(line: 1, column: 1)
        tooMany = tooMany || nodes > Self.maximumNodes
        tooDeep = tooDeep || depth > Self.maximumNesting
        if tooMany || tooDeep { return YAMLNode(value: .null, text: "", place: place) }
        depth += 1
        defer { depth -= 1 }
        switch node {
        case .scalar(let scalar):
            var node = YAMLNode(value: value(of: scalar, at: place), text: scalar.string, place: place)
            if scalar.string.unicodeScalars.first(where: { !$0.properties.isWhitespace }) == "{" {
                node.lines = TextLines(scalar, at: place, lines: lines)
            }
            return node
        case .sequence(let sequence):
            return YAMLNode(value: .sequence(sequence.map { convert($0) }), text: "", place: place)
        case .mapping(let mapping):
            return YAMLNode(value: .mapping(entries(of: mapping)), text: "", place: place)
        case .alias:
            // The parser puts in what an alias names; this case exists for emitting.
            return YAMLNode(value: .null, text: "", place: place)
        }
    }

    private mutating func entries(of mapping: Node.Mapping) -> [YAMLEntry] {
        var entries: [YAMLEntry] = []
        var seen: [String: Place] = [:]
        for (key, value) in mapping {
            let place = key.mark.map { Place(line: $0.line, column: $0.column) } ?? Place(line: 1, column: 1)
            guard case .scalar(let scalar) = key else {
                file.report(.invalidYAML, "a key must be a text, not a list or a mapping", at: place)
                continue
            }
            if scalar.style == .plain, scalar.string.isEmpty {
                file.report(.invalidYAML, "a key is missing before the colon", at: place)
                continue
            }
            if scalar.style == .plain, scalar.string == "<<" {
                file.report(
                    .invalidYAML, "`<<` is the merge key of YAML 1.1, which YAML 1.2 does not have", at: place,
                    hint: "write the keys out")
                continue
            }
            if let first = seen[scalar.string] {
                file.report(
                    .invalidYAML, "the key `\(scalar.string)` is here twice, first on line \(first.line)", at: place)
                continue
            }
            seen[scalar.string] = place
            entries.append(YAMLEntry(key: scalar.string, keyPlace: place, value: convert(value)))
            if tooMany || tooDeep { break }
        }
        return entries
    }

    /// A plain scalar by the core schema; a quoted or block one is text; a tag decides for itself. What was reported
    /// here reads as absent, so that it is not reported again.
    private func value(of scalar: Node.Scalar, at place: Place) -> YAMLNode.Value {
        let text = scalar.string
        let plain = scalar.style == .plain || scalar.style == .any
        do {
            switch scalar.tag.description {
            case "", "!", "?":
                return plain && scalar.tag.description != "!" ? try CoreSchema.resolve(plain: text) : .string(text)
            case "tag:yaml.org,2002:str": return .string(text)
            case "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool",
                "tag:yaml.org,2002:null":
                return try CoreSchema.resolve(plain: text)
            default:
                file.report(
                    .invalidYAML, "unknown tag \(scalar.tag.description)", at: place,
                    hint: "known are !!str, !!int, !!float, !!bool and !!null")
                return .null
            }
        } catch {
            file.report(
                .invalidValue, "the number \(text) has more than 64 bits", at: place,
                hint: "write it in decimal digits, or quote it if it is a text")
            return .null
        }
    }

    private static func report(_ error: YamlError, in text: String, file: ConfigFile) {
        func place(_ mark: Mark) -> Place { Place(line: max(1, mark.line), column: max(1, mark.column)) }
        switch error {
        case .scanner(let context, let finding, let mark, _), .parser(let context, let finding, let mark, _),
            .composer(let context, let finding, let mark, _):
            // libyaml's words for this name a function of its own.
            if finding.hasPrefix("Maximum nesting level") {
                return file.report(.invalidYAML, tooDeep, at: place(mark))
            }
            let context = context.map { ", \($0.text) on line \($0.mark.line)" } ?? ""
            let tab = finding.contains("cannot start any token") && line(place(mark).line, of: text).contains("\t")
            file.report(
                .invalidYAML, "not YAML: \(finding)\(context)", at: place(mark),
                hint: tab ? "YAML indents with spaces, not with tabs" : nil)
        case .reader(let finding, let offset, _, _):
            let before = offset.map { text.prefix($0) }
            let line = before.map { $0.count { $0.isNewline } + 1 }
            file.report(.invalidYAML, "not YAML: \(finding)", at: line.map { Place(line: $0, column: 1) })
        case .duplicatedKeysInMapping(let keys, let context):
            let first = place(context.mark)
            let names = keys.map { "`\($0)`" }.joined(separator: ", ")
            file.report(
                .invalidYAML, "a mapping has the key \(names) more than once, first on line \(first.line)", at: first)
        default:
            file.report(.invalidYAML, "not YAML: \(error)", at: nil)
        }
    }

    private static func line(_ number: Int, of text: String) -> Substring {
        let lines = text.split(separator: "\n", maxSplits: number, omittingEmptySubsequences: false)
        return lines.indices.contains(number - 1) ? lines[number - 1] : ""
    }
}
