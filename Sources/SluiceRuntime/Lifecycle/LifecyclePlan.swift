package import AppConfig
import EventModel
import FunctionJSON
package import FunctionProtocol
package import Journal

/// Which objects have expired: pure.
package enum LifecyclePlan {
    /// The rule by which an object has expired at `now`; nil: none. Its age counts from the arrival of its version,
    /// whatever was done to its file since (`chmod`, a restored backup).
    package static func expired(_ object: ObjectRecord, by rules: [LifecycleRule], now: Milliseconds) -> LifecycleRule?
    {
        let age = now - object.arrival
        return rules.first { rule in
            // By bytes: `hasPrefix` takes names that only look alike for the same.
            rule.enabled && object.key.utf8.starts(with: rule.prefix.utf8) && age >= rule.expirationSeconds * 1000
        }
    }
}

/// The objects that something not yet settled is about: whatever waits, runs, is to be tried again, or is dead.
package struct NeededObjects: Sendable {
    package private(set) var addresses: Set<ObjectAddress> = []

    package init() {}

    /// Reads all of it. Blocking; in pages.
    package init(journal: any JournalStore) throws {
        for progress in try journal.progress() {
            let id = progress.subscription.id
            var after = progress.floorPosition
            while progress.waiting > 0 {
                let page = try journal.waiting(id, after: after, limit: 500, bytes: JournalPage.bytes)
                for record in page { note(record.payload) }
                guard let last = page.last else { break }
                after = last.position
            }
            var ordinal: Int64 = -1
            while true {
                let page = try journal.pending(id, after: ordinal, limit: 500, bytes: JournalPage.bytes)
                for entry in page { note(entry.payload) }
                guard let last = page.last else { break }
                ordinal = last.delivery.ordinal
            }
        }
        var letter: Int64 = 0
        while true {
            let page = try journal.deadLetters(
                DeadLetterFilter(
                    states: [.dead, .redriving], afterID: letter, limit: 500, bytes: JournalPage.bytes))
            for letter in page { note(letter.payload) }
            guard let last = page.last else { break }
            letter = last.id
        }
        // What manifests wait for is about to be needed.
        for (_, body) in try journal.values(prefix: ManifestRunner.prefix) {
            guard let manifest = JSONText.decode(OpenManifest.self, from: body) else { continue }
            addresses.insert(ObjectAddress(bucket: manifest.id.bucket, key: manifest.id.key))
            for file in manifest.files { addresses.insert(ObjectAddress(bucket: file.bucket, key: file.key)) }
        }
    }

    /// Notes the object of an event, and the files of a manifest's, also where they came as the data of a stream's
    /// record.
    package mutating func note(_ payload: [UInt8]) {
        let payload = StreamRecordText.Parts(payload).flatMap { StreamFilter.json(of: $0.data) } ?? payload
        guard let root = try? JSONDocument(parsing: payload).root, let detail = root["detail"] else { return }
        if let bucket = detail["bucket"]?["name"]?.string, let key = detail["object"]?["key"]?.string {
            addresses.insert(ObjectAddress(bucket: bucket, key: key))
        }
        guard root["source"]?.string == ManifestEvents.source else { return }
        for node in (detail["files"]?.elements.map { $0 } ?? []) + [detail["manifest"]].compactMap(\.self) {
            guard let bucket = node["bucket"]?.string, let key = node["key"]?.string else { continue }
            addresses.insert(ObjectAddress(bucket: bucket, key: key))
        }
    }
}
