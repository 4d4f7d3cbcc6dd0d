import Journal
import ObjectStore
import SluiceRuntime
import Testing

@Suite("Object events and the index")
struct AnnouncerTests {
    private let journal = InMemoryJournal()
    private let announcer: ObjectAnnouncer

    init() {
        announcer = ObjectAnnouncer(journal: journal, router: EventRouter(), clock: HostClock(), boot: 1)
    }

    private func sighting(_ changed: Int64) -> ObjectSighting {
        ObjectSighting(
            bucket: "b", key: "k",
            stamp: ObjectStamp(device: 1, inode: 2, size: 3, modified: changed, changed: changed), sample: 9)
    }

    private func row() throws -> ObjectRecord? { try journal.object(bucket: "b", key: "k") }

    @Test("A backfill whose page is out of date takes nothing from the newer version: that one's event counts")
    func backfill() throws {
        try announcer.commit([.created(sighting(1))])
        let page = try journal.objects(bucket: "b", prefix: "", after: nil, limit: 10)
        try announcer.commit([.created(sighting(2))])
        let newer = try #require(try row())
        try announcer.announceAgain(page)
        #expect(try row() == newer)
        #expect(try journal.records(log: "default", after: 0, limit: 10).count == 3)
        // Of what is there, the backfill's event is the one that counts, with a later sequencer.
        try announcer.announceAgain([newer])
        let again = try #require(try row())
        #expect(again.eventID == (try journal.lastRecords(log: "default", limit: 1).last?.eventID))
        #expect(again.sequencer > newer.sequencer && again.etag == newer.etag && again.stamp == newer.stamp)
    }

    @Test("What the watcher saw of an older version changes only that one: new stamps, and that it is gone")
    func watcher() throws {
        try announcer.commit([.created(sighting(1))])
        let index = JournalObjectIndex(journal: journal)
        var touched = try #require(try index.known(bucket: "b", key: "k"))
        let before = touched
        touched.stamp.changed = 5
        // A backfill in between: the stamps are new, the event is the backfill's.
        try announcer.announceAgain(journal.objects(bucket: "b", prefix: "", after: nil, limit: 10))
        let told = try #require(try row())
        try announcer.commit([.refreshed(touched)])
        #expect(try row()?.changed == 5)
        #expect(try row()?.eventID == told.eventID && row()?.sequencer == told.sequencer)
        // A newer version in between.
        try announcer.commit([.created(sighting(2))])
        let newer = try row()
        try announcer.commit([.refreshed(touched)])
        #expect(try row() == newer)
        try announcer.commit([.deleted(before)])
        #expect(try row() == newer)
        try announcer.commit([.deleted(try #require(try index.known(bucket: "b", key: "k")))])
        #expect(try row() == nil)
    }
}
