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
    /// redrives: then the handler gets it as it is.
    static func failure(of payload: [UInt8], rule: String, bus: String) -> Failure? {
        guard let root = try? JSONDocument(parsing: payload).root, root["source"]?.string == ManifestEvents.source,
            root["detail-type"]?.string == ManifestEvents.incomplete, root["replayed-from"] == nil,
            root["resources"]?.elements.contains(where: { $0.string == RuleARN.of(rule: rule, bus: bus) }) == true,
            let detail = root["detail"]
        else { return nil }
        let missing = detail["missing"]?.elements.compactMap(\.string) ?? []
        let name =
            "\(detail["manifest"]?["bucket"]?.string ?? "?")/\(detail["manifest"]?["key"]?.string ?? "?")"
        guard let files = detail["files"]?.count, files > 0 else {
            // Nothing was waited for.
            return Failure(
                code: "ManifestIncomplete",
                message:
                    "the manifest \(name) cannot be used: \(missing.first ?? "it lists no files"). Put a corrected manifest; a redrive gives "
                    + "the handler the event as it is", retry: false)
        }
        let more = missing.count > maximumNamed ? "; and \(missing.count - maximumNamed) more" : ""
        return Failure(
            code: "ManifestIncomplete",
            message:
                "\(missing.count) of \(files) files are not as the manifest \(name) says after "
                + "\(detail["waited-seconds"]?.int64 ?? 0) s: "
                + missing.prefix(maximumNamed).joined(separator: "; ") + more
                + ". Put the manifest again for a fresh look; a redrive hands over this event as it was, and looks at "
                + "no file", retry: false)
    }
}
