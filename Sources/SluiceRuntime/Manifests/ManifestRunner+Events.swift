import AppConfig
import EventModel
import FunctionJSON
import Journal
import UVLoop

extension ManifestRunner {
    /// The id of the event that tells what became of a manifest, by the id of the event of the manifest's arrival.
    nonisolated static func eventID(_ bus: String, _ rule: String, _ manifest: String, isComplete: Bool) -> String {
        EventIdentity.derived(from: "manifest", bus, rule, manifest, isComplete ? "complete" : "not")
    }

    /// The event that ends a manifest's wait: all is there, or what is missing.
    func event(of manifest: OpenManifest, missing: [String]) -> Append {
        let isComplete = missing.isEmpty
        let id = Self.eventID(manifest.id.bus, manifest.id.rule, manifest.eventID, isComplete: isComplete)
        var writer = JSONWriter(capacity: 256 + manifest.files.count * 64)
        writer.beginObject()
        writer.name("manifest")
        writer.beginObject()
        writer.member("bucket", manifest.id.bucket)
        writer.member("key", manifest.id.key)
        writer.member("event-id", manifest.eventID)
        writer.endObject()
        writer.name("files")
        writer.beginArray()
        for file in manifest.files { writer.raw(JSONText.encode(file)) }
        writer.endArray()
        if !isComplete {
            writer.name("missing")
            writer.beginArray()
            for text in missing { writer.value(text) }
            writer.endArray()
            writer.member("waited-seconds", max(0, clock.wall / 1000 - manifest.arrived))
        }
        writer.endObject()
        let payload = EventEnvelope(
            id: id, detailType: isComplete ? ManifestEvents.complete : ManifestEvents.incomplete,
            source: ManifestEvents.source, account: ObjectEvents.account,
            time: Timestamp(milliseconds: clock.wall).wholeSeconds, region: ObjectEvents.region,
            resources: [
                RuleARN.of(rule: manifest.id.rule, bus: manifest.id.bus), "arn:aws:s3:::\(manifest.id.bucket)",
            ]
        ).bytes(detail: writer.bytes)
        return announcer.append(
            bus: manifest.id.bus, id: id, payload: payload, lineage: Array(manifest.lineage.utf8),
            deduplication: HostDeduplication.manifest + id)
    }
}
