import EventPatterns

/// A pattern without the fields whose values nobody knows beforehand; those are taken to match.
struct PatternView {
    /// What is left of a pattern.
    private enum Rest {
        /// Nothing: it takes everything.
        case all
        case pattern(Matcher<Bool>)
        /// It is not valid, which is reported elsewhere.
        case none

        func takes(_ event: String) -> Bool {
            switch self {
            case .all: true
            case .none: false
            // What cannot be decided may happen.
            case .pattern(let matcher):
                (try? matcher.answer(in: Array(event.utf8))).map { !$0.matched.isEmpty || !$0.undecided.isEmpty }
                    ?? true
            }
        }
    }

    private let objects: Rest
    private let outcomes: Rest
    private let sources: [YAMLNode]
    /// The kinds of outcomes that it may take of some function.
    private let outcomeKinds: [String]

    private static let kinds = ["Success", "Failure"]

    private static let always: Set<String> = ["id", "time"]
    private static let ofObject = always.union([
        "detail.object", "detail.request-id", "detail.source-ip-address", "detail.reason",
    ])
    private static let ofOutcome = always.union([
        "resources", "detail.timestamp", "detail.requestContext.requestId", "detail.requestContext.condition",
        "detail.requestContext.approximateInvokeCount", "detail.requestPayload", "detail.responseContext",
        "detail.responsePayload",
    ])

    init(_ pattern: YAMLNode) {
        objects = Self.rest(of: pattern, without: Self.ofObject)
        outcomes = Self.rest(of: pattern, without: Self.ofOutcome)
        var found: [YAMLNode] = []
        PatternBuckets.collect(pattern, path: "", wanted: "source", into: &found)
        sources = found
        let anyFunction = Self.rest(of: pattern, without: Self.ofOutcome.union(["detail.requestContext.functionArn"]))
        outcomeKinds = Self.kinds.filter { kind in
            anyFunction.takes(Self.outcome(kind, arn: "arn:aws:lambda:local:000000000000:function:any:1"))
        }
    }

    func mayTakeObject(of bucket: String) -> Bool { mayTake("Object Created", of: bucket, "") }

    func mayTakeDeletion(of bucket: String) -> Bool {
        mayTake("Object Deleted", of: bucket, #","deletion-type":"Permanently Deleted""#)
    }

    private func mayTake(_ type: String, of bucket: String, _ more: String) -> Bool {
        objects.takes(
            Self.event(
                source: "aws.s3", type: type, resource: "arn:aws:s3:::\(bucket)",
                detail: #"{"version":"0","bucket":{"name":"\#(bucket)"},"requester":"000000000000"\#(more)}"#))
    }

    /// Events that a function puts itself: of any source but the host's own.
    var mayTakeOwn: Bool {
        sources.isEmpty
            || sources.contains { node in
                guard case .string(let text) = node.value else { return true }
                return !text.hasPrefix("aws.") && text != "lambda" && !text.hasPrefix("sluice.")
            }
    }

    /// An outcome of any version of a function.
    func mayTakeOutcome(_ kind: String, of function: String) -> Bool {
        // There are as many outcomes as functions, and few rules that are about any.
        outcomeKinds.contains(kind)
            && outcomes.takes(Self.outcome(kind, arn: "arn:aws:lambda:local:000000000000:function:\(function):1"))
    }

    private static func outcome(_ kind: String, arn: String) -> String {
        event(
            source: "lambda", type: "Lambda Function Invocation Result - \(kind)", resource: arn,
            detail: #"{"version":"1.0","requestContext":{"functionArn":"\#(arn)"}}"#)
    }

    private static func event(source: String, type: String, resource: String, detail: String) -> String {
        #"{"version":"0","id":"0","detail-type":"\#(type)","source":"\#(source)","account":"000000000000","#
            + #""time":"2026-01-01T00:00:00Z","region":"local","resources":["\#(resource)"],"detail":\#(detail)}"#
    }

    private static func rest(of pattern: YAMLNode, without fields: Set<String>) -> Rest {
        guard let reduced = reduce(pattern, path: "", without: fields) else { return .all }
        // What it costs is for deployments to judge: one in force may cost too much, and so may what is left of one.
        return (try? EventPattern(parsing: reduced.json, dialect: .extended, limits: .stored))
            .map { .pattern(Matcher([(true, $0)])) } ?? .none
    }

    /// The node without the fields; nil where nothing is left. An alternative of `$or` of which nothing is left takes
    /// everything, and so does the whole `$or`.
    private static func reduce(_ node: YAMLNode, path: String, without fields: Set<String>) -> YAMLNode? {
        guard case .mapping(let entries) = node.value else { return node }
        var kept: [YAMLEntry] = []
        for entry in entries {
            var entry = entry
            if entry.key == "$or", case .sequence(let items) = entry.value.value {
                let reduced = items.map { reduce($0, path: path, without: fields) }
                guard reduced.allSatisfy({ $0 != nil }) else { continue }
                entry.value.value = .sequence(reduced.compactMap(\.self))
                kept.append(entry)
                continue
            }
            let deeper = path.isEmpty ? entry.key : "\(path).\(entry.key)"
            if fields.contains(where: { deeper == $0 || deeper.hasPrefix($0 + ".") }) { continue }
            if case .sequence(let items) = entry.value.value, deeper.hasSuffix(".functionArn") {
                // A version of a function that is named exactly may be the next one.
                let isExact = items.contains { item in
                    if case .string = item.value { true } else { false }
                }
                if isExact { continue }
            }
            guard let inner = reduce(entry.value, path: deeper, without: fields) else { continue }
            entry.value = inner
            kept.append(entry)
        }
        guard !kept.isEmpty else { return nil }
        var result = node
        result.value = .mapping(kept)
        return result
    }
}
