import FunctionJSON

/// Puts the parts of one event into the places of a template.
struct TemplateFiller {
    /// A variable's value for this event.
    private enum Value {
        /// The event does not have it.
        case missing
        case text(String)
        /// An object or a list as JSON without white space.
        case structure([UInt8])
        /// A number, a boolean or null.
        case scalar([UInt8])
    }

    let form: InputTemplate.Form
    let root: JSONNode
    let paths: [String: EventPath]
    let context: TransformContext

    /// Bytes that a filled template may have: of a whole event of the largest size, and as much again.
    static let maximumBytes = 2 << 20

    /// Throws `invalidResult` where it becomes too large.
    func fill(_ segments: [InputTemplate.Segment]) throws(TransformError) -> [UInt8] {
        var output: [UInt8] = []
        for segment in segments {
            switch segment {
            case .literal(let bytes): output += bytes
            case .value(let name): appendValue(of: name, to: &output)
            case .text(let name): appendText(of: name, to: &output)
            }
            guard output.count <= Self.maximumBytes else {
                throw TransformError(
                    .invalidResult,
                    "the filled inputTemplate is larger than \(Self.maximumBytes >> 20) MB: it names large parts of the "
                        + "event, or the whole of it, too often")
            }
        }
        return output
    }

    /// A whole JSON value. What the event lacks is an empty text.
    private func appendValue(of name: String, to output: inout [UInt8]) {
        switch value(of: name) {
        case .missing: output += "\"\"".utf8
        case .text(let text): JSONWriter.append(string: text, to: &output)
        case .structure(let json), .scalar(let json): output += json
        }
    }

    /// A part of a string. What the event lacks is nothing.
    private func appendText(of name: String, to output: inout [UInt8]) {
        switch value(of: name) {
        case .missing:
            break
        case .text(let text):
            // Escaped as within any string; the quotes around it are the template's.
            var quoted: [UInt8] = []
            JSONWriter.append(string: text, to: &quoted)
            output += quoted.dropFirst().dropLast()
        case .scalar(let json):
            output += json
        case .structure(let json):
            output += form == .lines ? Self.withoutQuotes(json) : json
        }
    }

    private func value(of name: String) -> Value {
        switch name {
        case "aws.events.rule-arn": return .text(context.ruleARN)
        case "aws.events.rule-name": return .text(context.ruleName)
        case "aws.events.event.ingestion-time": return .text(context.ingestionTime)
        case "aws.events.event.json": return .structure(InputTransform.json(root))
        case "aws.events.event": return .structure(withoutDetail())
        default: break
        }
        switch paths[name]?.find(in: root) {
        case nil, .nothing: return .missing
        case .many(let nodes): return .structure(InputTransform.json(nodes))
        case .one(let node):
            switch node.kind {
            case .string: return .text(node.string ?? "")
            case .object, .array: return .structure(InputTransform.json(node))
            default: return .scalar(InputTransform.json(node))
            }
        }
    }

    /// The event without its detail; `detail-type` is called `detailType` here, as AWS has it.
    private func withoutDetail() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        for (name, value) in root.members where name != "detail" {
            writer.name(name == "detail-type" ? "detailType" : name)
            writer.raw(InputTransform.json(value))
        }
        writer.endObject()
        return writer.bytes
    }

    /// `{"a":"b"}` as `{a:b}`. An escaped quote within a text goes too; other escapes stay what they are.
    private static func withoutQuotes(_ json: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var index = 0
        while index < json.count {
            if json[index] == UInt8(ascii: "\\"), index + 1 < json.count {
                if json[index + 1] != UInt8(ascii: "\"") { output += json[index...(index + 1)] }
                index += 2
            } else {
                if json[index] != UInt8(ascii: "\"") { output.append(json[index]) }
                index += 1
            }
        }
        return output
    }
}
