import AppConfig
import EventModel
import EventPatterns
import FunctionJSON
package import Journal
import Synchronization
import UVLoop

/// How far the log was read for files that alarms wait for, and what is looked for in it.
struct ArrivalLog: Sendable {
    static let cursorName = "alarms/cursor"
    /// Records between two notes of how far the log was read.
    private static let stride: Position = 5000

    /// The patterns by alarm, compiled once; nil: nothing is waited for.
    private(set) var wanted: Matcher<String>?
    var cursor: Position = 0
    private var noted: Position = 0

    /// Takes the files of a deployment into force: what the journal is to keep.
    mutating func apply(
        _ files: [(name: String, file: AlarmDefinition.ExpectedFile)], stored: [UInt8]?, head: Position
    ) -> [ControlChange] {
        let patterns = files.compactMap { name, file in
            (try? StoredPatterns.parse(file.pattern)).map { (name, $0) }
        }
        wanted = patterns.isEmpty ? nil : Matcher(patterns)
        guard !files.isEmpty else {
            cursor = 0
            return stored == nil ? [] : [.removeValue(name: Self.cursorName)]
        }
        guard cursor == 0 else { return [] }
        // What came before the first such alarm is looked up in the object index.
        cursor = stored.flatMap { Position(String(decoding: $0, as: UTF8.self)) } ?? head
        noted = cursor
        return stored == nil ? [note] : []
    }

    /// The note of where it stands, now and then.
    mutating func takeNote() -> ControlChange? {
        guard cursor - noted >= Self.stride else { return nil }
        noted = cursor
        return note
    }

    private var note: ControlChange { .putValue(name: Self.cursorName, body: Array("\(cursor)".utf8)) }
}

extension AlarmRunner {
    /// Called on the journal's thread after each transaction.
    package nonisolated func recordsCommitted(_ records: [CommittedRecord]) {
        guard wantsObjects.withLock({ $0 }), records.contains(where: ObjectEvents.mayTellOfObject),
            mailbox.put(records.suffix(1))
        else { return }
        Task { @LoopActor in
            await self.readArrivals()
            await self.look()
        }
    }

    /// Reads the log on from where it was read: one reader at a time. The mailbox only tells that there is more.
    func readArrivals() async {
        // The log has them for later.
        if isHeld { return _ = mailbox.take() }
        guard !isReading, arrivals.wanted != nil else { return }
        isReading = true
        defer { isReading = false }
        while !isStopped, let wanted = arrivals.wanted {
            _ = mailbox.take()
            let (journal, after) = (journal, arrivals.cursor)
            let read: (end: Position, found: [(String, Milliseconds)])?
            do {
                read = try await files.run {
                    let records = try journal.records(
                        log: "default", after: after, limit: 500, bytes: JournalPage.bytes)
                    guard let last = records.last else { return nil }
                    var found: [(String, Milliseconds)] = []
                    let scratch = MatchScratch()
                    for record in records where ObjectEvents.mayTellOfObject(record) {
                        let matched = (try? wanted.matches(in: record.payload, scratch: scratch)) ?? []
                        guard !matched.isEmpty else { continue }
                        let arrival = ObjectEvents.arrival(toldBy: record, journal)
                        found += matched.sorted().map { ($0, arrival) }
                    }
                    return (last.position, found)
                }
            } catch {
                // Read on with the next record, or at the next deadline; no broken disk is asked in a hot loop.
                _ = mailbox.take()
                return
            }
            guard let page = read else {
                // What was committed while the page was read has left its notice here.
                if mailbox.take().isEmpty { return }
                continue
            }
            for (alarm, time) in page.found {
                if let change = core.arrived(alarm, at: time, wall: clock.wall) { tell(change) }
            }
            arrivals.cursor = max(arrivals.cursor, page.end)
            if let note = arrivals.takeNote() {
                // With the arrivals that were found on the way: what lies before the cursor is not read again.
                var batch = Batch()
                batch.control = unstored() + [note]
                committer.enqueue(batch)
            }
        }
    }

    /// When the file came that satisfies a deadline, as the object index has it: before the alarm was known, say.
    func arrival(for deadline: AlarmCore.Deadline) async -> Milliseconds? {
        let (journal, file) = (journal, deadline.file)
        let from = deadline.windowStart
        return await files.run {
            guard let pattern = try? StoredPatterns.parse(file.pattern) else { return nil }
            let (matcher, scratch) = (Matcher([(true, pattern)]), MatchScratch())
            var after: String?
            while let page = try? journal.objects(bucket: file.bucket, prefix: "", after: after, limit: 1000) {
                for record in page where record.arrival / 1000 >= from {
                    let payload = ObjectEvents.created(
                        id: record.eventID, time: .init(milliseconds: 0), bucket: record.bucket, key: record.key,
                        size: record.size, etag: record.etag, sequencer: record.sequencer, reason: "PutObject")
                    if (try? matcher.matches(in: payload, scratch: scratch))?.isEmpty == false {
                        return record.arrival
                    }
                }
                guard page.count == 1000, let last = page.last else { return nil }
                after = last.key
            }
            return nil
        }
    }
}

extension ObjectEvents {
    private static let words = Array("\"detail-type\":\"Object Created\"".utf8)

    /// When the object of an event came: what is announced again (a backfill) has not come again.
    static func arrival(toldBy record: CommittedRecord, _ journal: any JournalStore) -> Milliseconds {
        guard let detail = (try? JSONDocument(parsing: record.payload))?.root["detail"],
            let bucket = detail["bucket"]?["name"]?.string, let key = detail["object"]?["key"]?.string,
            let object = try? journal.object(bucket: bucket, key: key), object.etag == detail["object"]?["etag"]?.string
        else { return record.ingested }
        return min(record.ingested, object.arrival)
    }

    /// A cheap look at what the host itself has written: false means that the record is no `Object Created`.
    static func mayTellOfObject(_ record: CommittedRecord) -> Bool {
        guard record.log == "default" else { return false }
        // Behind version and id.
        return record.payload.prefix(160).contains(words)
    }
}
