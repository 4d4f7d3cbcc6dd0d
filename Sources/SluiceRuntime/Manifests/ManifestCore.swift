package import FunctionProtocol

/// Which manifest of which rule: a newer version of the object takes the older one's place.
package struct ManifestID: Codable, Sendable, Hashable, Comparable {
    package var bus: String
    package var rule: String
    package var bucket: String
    package var key: String

    package init(bus: String, rule: String, bucket: String, key: String) {
        self.bus = bus
        self.rule = rule
        self.bucket = bucket
        self.key = key
    }

    private var address: ObjectAddress { ObjectAddress(bucket: bucket, key: key) }

    package static func == (left: ManifestID, right: ManifestID) -> Bool {
        left.bus == right.bus && left.rule == right.rule && left.address == right.address
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(bus)
        hasher.combine(rule)
        hasher.combine(address)
    }

    package static func < (left: ManifestID, right: ManifestID) -> Bool {
        (left.bus, left.rule, left.bucket, left.key) < (right.bus, right.rule, right.bucket, right.key)
    }
}

/// A manifest whose files are waited for: what the journal keeps of it.
package struct OpenManifest: Codable, Sendable, Hashable {
    package var id: ManifestID
    /// The event of the manifest's arrival: one wait has one outcome.
    package var eventID: String
    package var files: [Manifest.File]
    /// Wall-clock seconds since 1970.
    package var arrived: Int64
    package var deadline: Int64
    /// Of the manifest's event (JSON text), for the hop budget.
    package var lineage: String
    /// What it says is not known: it could not be read yet.
    package var isUnread: Bool?

    package init(
        id: ManifestID, eventID: String, files: [Manifest.File], arrived: Int64, deadline: Int64, lineage: String
    ) {
        self.id = id
        self.eventID = eventID
        self.files = files
        self.arrived = arrived
        self.deadline = deadline
        self.lineage = lineage
    }
}

/// Decides when a manifest is to be looked at and how its wait ends: a pure state machine. What is there is looked up
/// by its driver, and may change while that is being done.
package struct ManifestCore: Sendable {
    /// What looking at every file of a manifest gave.
    package struct Look: Sendable, Hashable {
        package var id: ManifestID
        package var eventID: String
        /// What is wrong with the files that are not as the manifest says; empty: all is there.
        package var missing: [String]

        package init(id: ManifestID, eventID: String, missing: [String]) {
            self.id = id
            self.eventID = eventID
            self.missing = missing
        }
    }

    /// How the wait for the files of a manifest ended.
    package enum Ending: Sendable, Hashable {
        case complete
        /// The time limit is over.
        case incomplete(missing: [String])
    }

    private struct Entry: Sendable {
        var manifest: OpenManifest
        /// Something has changed since it was last looked at.
        var isDirty = true
        var isLooking = false
        var isEnding = false
        /// Of the last look.
        var missing: [String] = []
        var wasLookedAt = false
    }

    private var entries: [ManifestID: Entry] = [:]
    private var waiting: [ObjectAddress: Set<ManifestID>] = [:]

    package init() {}

    /// A manifest has arrived, or was waited for in an earlier life. Takes the place of an older version, which is
    /// returned.
    @discardableResult
    package mutating func open(_ manifest: OpenManifest) -> OpenManifest? {
        let replaced = close(manifest.id)
        entries[manifest.id] = Entry(manifest: manifest)
        for file in manifest.files {
            waiting[ObjectAddress(bucket: file.bucket, key: file.key), default: []].insert(manifest.id)
        }
        return replaced
    }

    /// Nothing is waited for any more; `eventID`: only if it is still that version's wait. What was waited for.
    @discardableResult
    package mutating func close(_ id: ManifestID, eventID: String? = nil) -> OpenManifest? {
        if let eventID, entries[id]?.manifest.eventID != eventID { return nil }
        guard let entry = entries.removeValue(forKey: id) else { return nil }
        for file in entry.manifest.files {
            let address = ObjectAddress(bucket: file.bucket, key: file.key)
            waiting[address]?.remove(id)
            if waiting[address]?.isEmpty == true { waiting[address] = nil }
        }
        return entry.manifest
    }

    /// It is waited for no longer than to `deadline`.
    package mutating func limit(_ id: ManifestID, to deadline: Int64) {
        guard let known = entries[id]?.manifest.deadline else { return }
        entries[id]?.manifest.deadline = min(known, deadline)
    }

    /// An object came, was replaced, or went.
    package mutating func changed(_ address: ObjectAddress) {
        for id in waiting[address] ?? [] { entries[id]?.isDirty = true }
    }

    /// What is to be looked at now: each is answered with `looked`.
    package mutating func looks(now: Int64) -> [OpenManifest] {
        var found: [OpenManifest] = []
        for id in entries.keys.sorted() {
            guard let entry = entries[id], !entry.isLooking, !entry.isEnding else { continue }
            // At its end a manifest is looked at once more: what came meanwhile counts.
            guard entry.isDirty || now >= entry.manifest.deadline else { continue }
            entries[id]?.isLooking = true
            entries[id]?.isDirty = false
            found.append(entry.manifest)
        }
        return found
    }

    /// The answer to a look: how the wait ends, if it does. The caller commits that, and then calls `close`.
    package mutating func looked(_ look: Look, now: Int64) -> (OpenManifest, Ending)? {
        guard let entry = entries[look.id], entry.manifest.eventID == look.eventID, entry.isLooking else { return nil }
        entries[look.id]?.isLooking = false
        entries[look.id]?.missing = look.missing
        entries[look.id]?.wasLookedAt = true
        // What changed while it was looked at makes the look worthless, whichever way it went.
        guard !entry.isDirty else { return nil }
        if look.missing.isEmpty {
            entries[look.id]?.isEnding = true
            return (entry.manifest, .complete)
        }
        guard now >= entry.manifest.deadline else { return nil }
        entries[look.id]?.isEnding = true
        return (entry.manifest, .incomplete(missing: look.missing))
    }

    /// The commit of its end has failed: looked at again.
    package mutating func retry(_ id: ManifestID, eventID: String) {
        guard entries[id]?.manifest.eventID == eventID else { return }
        entries[id]?.isEnding = false
        entries[id]?.isDirty = true
    }

    /// Something may have changed that nobody tells of.
    package mutating func lookAgain(_ id: ManifestID, eventID: String) {
        guard entries[id]?.manifest.eventID == eventID else { return }
        entries[id]?.isDirty = true
    }

    /// How its wait ends is on its way into the journal.
    package func isEnding(_ id: ManifestID) -> Bool { entries[id]?.isEnding == true }

    /// When a time limit ends next, in wall-clock seconds.
    package var nextDeadline: Int64? {
        entries.values.filter { !$0.isLooking && !$0.isEnding }.map(\.manifest.deadline).min()
    }

    /// What is waited for, with what the last look found missing (nil: not looked at yet).
    package var open: [(manifest: OpenManifest, missing: [String]?)] {
        entries.keys.sorted().compactMap { id in
            entries[id].map { ($0.manifest, $0.wasLookedAt ? $0.missing : nil) }
        }
    }

    package func manifest(_ id: ManifestID) -> OpenManifest? { entries[id]?.manifest }

    /// Some manifest names the object.
    package func waits(for address: ObjectAddress) -> Bool { waiting[address] != nil }
}
