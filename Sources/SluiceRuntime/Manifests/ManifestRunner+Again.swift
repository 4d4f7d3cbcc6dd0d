import AppConfig
import FunctionJSON
package import FunctionProtocol
import Journal
import ObjectStore
import UVLoop

/// A redrive of an event that tells of missing files: what is there now counts.
extension ManifestRunner {
    private enum Again: Sendable {
        case files([Manifest.File])
        /// Why there is nothing to be looked at.
        case refused(String, mayPass: Bool)
    }

    /// The event as it is to be handed over, now that its files are there, or why they are not. Nil: the host stops.
    package func lookAgain(at payload: [UInt8], bus: String, rule: String) async -> Result<[UInt8], Failure>? {
        while !isLooking, !isStopped { await LoopPause.sleep(milliseconds: 100, while: { !isStopped }) }
        guard !isStopped else { return nil }
        guard let detail = try? JSONDocument(parsing: payload).root["detail"],
            let bucket = detail["manifest"]?["bucket"]?.string, let key = detail["manifest"]?["key"]?.string
        else { return .success(payload) }
        let (event, listed) = (detail["manifest"]?["event-id"]?.string ?? "", Self.files(in: detail))
        let (journal, buckets, declared) = (journal, buckets, declared)
        let again = await files.run {
            Self.again(listed, of: bucket, key, event, journal: journal, buckets: buckets, declared: declared)
        }
        let name = "\(bucket)/\(key)"
        switch again {
        case .refused(let reason, let mayPass):
            return .failure(ManifestRefusal.failure("the manifest \(name) cannot be used: \(reason)", mayPass: mayPass))
        case .files(let files):
            let manifest = OpenManifest(
                id: ManifestID(bus: bus, rule: rule, bucket: bucket, key: key), eventID: event, files: files,
                arrived: clock.wall / 1000, deadline: .max, lineage: "")
            guard
                let look = await self.look(at: manifest, reading: true, until: clock.wall / 1000 + Self.hashingSeconds)
            else { return nil }
            forget(manifest)
            guard look.missing.isEmpty else {
                return .failure(
                    ManifestRefusal.failure(
                        "\(look.missing.count) of \(files.count) files are not as the manifest \(name) says, now that it "
                            + "is redriven: \(ManifestRefusal.listed(look.missing))", mayPass: look.mayPass))
            }
            return .success(Self.completed(payload, files: files))
        }
    }

    /// Blocking.
    private nonisolated static func again(
        _ listed: [Manifest.File], of bucket: String, _ key: String, _ event: String, journal: any JournalStore,
        buckets: BucketSet, declared: Set<String>
    ) -> Again {
        do {
            // Both versions would hand the same files over.
            if let object = try journal.object(bucket: bucket, key: key), object.eventID != event {
                return .refused(
                    "it was put again since, and the newer version is waited for, or has an event of its own",
                    mayPass: false)
            }
        } catch {
            return .refused("\(error)", mayPass: error.isPassing)
        }
        guard listed.isEmpty else { return .files(listed) }
        switch files(of: bucket, key, buckets: buckets, declared: declared) {
        case .success(let files): return .files(files)
        case .failure(let error): return .refused(reason(error), mayPass: !isFinal(error))
        }
    }

    private nonisolated static func files(in detail: JSONNode) -> [Manifest.File] {
        detail["files"]?.elements.compactMap { JSONText.decode(Manifest.File.self, from: Array($0.sourceBytes)) } ?? []
    }

    /// The event that a wait has ended without its files, as one of a wait that has ended with them.
    private nonisolated static func completed(_ payload: [UInt8], files: [Manifest.File]) -> [UInt8] {
        guard let root = try? JSONDocument(parsing: payload).root else { return payload }
        var writer = JSONWriter(capacity: payload.count)
        writer.beginObject()
        for (name, value) in root.members {
            if name == "detail-type" {
                writer.member(name, ManifestEvents.complete)
                continue
            }
            writer.name(name)
            guard name == "detail" else {
                writer.raw(value.sourceBytes)
                continue
            }
            writer.beginObject()
            for (name, value) in value.members where !["files", "missing", "waited-seconds"].contains(name) {
                writer.name(name)
                writer.raw(value.sourceBytes)
            }
            writer.name("files")
            writer.beginArray()
            for file in files { writer.raw(JSONText.encode(file)) }
            writer.endArray()
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes
    }
}
