import AppConfig
import EventModel
import FunctionJSON
import FunctionProtocol

/// A manifest whose files did not all arrive becomes a dead letter that says what is missing, without its handler.
enum ManifestRefusal {
    /// Files that the message names; the payload has all of them.
    private static let maximumNamed = 20

    /// `ManifestIncomplete` for the event of a manifest of the rule that is not complete; nil for any other event,
    /// also for one of another rule's manifest, which is an event like any other here, and for one that somebody
    /// redrives: of that the dispatcher has looked again (`asksAgain`), or the handler is to get it as it is.
    static func failure(of payload: [UInt8], rule: String, bus: String) -> Failure? {
        guard let root = incomplete(payload, rule: rule, bus: bus), root["replayed-from"] == nil,
            let detail = root["detail"]
        else { return nil }
        let missing = detail["missing"]?.elements.compactMap(\.string) ?? []
        let name =
            "\(detail["manifest"]?["bucket"]?.string ?? "?")/\(detail["manifest"]?["key"]?.string ?? "?")"
        guard let files = detail["files"]?.count, files > 0 else {
            // Nothing was waited for.
            return failure("the manifest \(name) cannot be used: \(missing.first ?? "it lists no files")")
        }
        return failure(
            "\(missing.count) of \(files) files are not as the manifest \(name) says after "
                + "\(detail["waited-seconds"]?.int64 ?? 0) s: \(listed(missing))")
    }

    /// Whether it is such an event, of a dead letter that is redriven: its files may be there by now.
    static func asksAgain(_ payload: [UInt8], rule: String, bus: String) -> Bool {
        incomplete(payload, rule: rule, bus: bus)?["replayed-from"] != nil
    }

    /// - Parameter mayPass: a disk may be well again soon, so that a retry helps.
    static func failure(_ message: String, mayPass: Bool = false) -> Failure {
        Failure(
            code: "ManifestIncomplete",
            message: message + ". Put what is missing, and redrive this: a redrive looks again; or put the manifest "
                + "(again), which is a fresh wait", retry: mayPass)
    }

    static func listed(_ missing: [String]) -> String {
        let more = missing.count > maximumNamed ? "; and \(missing.count - maximumNamed) more" : ""
        return missing.prefix(maximumNamed).joined(separator: "; ") + more
    }

    private static func incomplete(_ payload: [UInt8], rule: String, bus: String) -> JSONNode? {
        guard let root = try? JSONDocument(parsing: payload).root, root["source"]?.string == ManifestEvents.source,
            root["detail-type"]?.string == ManifestEvents.incomplete,
            root["resources"]?.elements.contains(where: { $0.string == RuleARN.of(rule: rule, bus: bus) }) == true
        else { return nil }
        return root
    }
}
