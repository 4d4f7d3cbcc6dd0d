import FunctionProtocol
package import Journal
package import ObjectStore
import Synchronization
import UVLoop

/// A dead letter of a file keeps the file: what `DeadLetter.input` holds, as JSON.
package struct KeptObject: Codable, Sendable, Hashable {
    package var object: ObjectInput
    /// Where the copy is and how it was made; nil if the object was no longer there, or could not be kept.
    package var kept: KeptInput?
    /// Why there is none.
    package var reason: String?
}

/// Keeps the input objects of dead letters.
package final class InputKeeper: Sendable {
    private let buckets: BucketSet
    private let journal: any JournalStore
    private let files: FileThreads
    /// Attempts whose dead letters are not in the journal yet: what was kept for them is named by nobody, however long
    /// the journal refuses them.
    private let unwritten = Mutex<Set<AttemptID>>([])

    package init(buckets: BucketSet, journal: any JournalStore, files: FileThreads) {
        self.buckets = buckets
        self.journal = journal
        self.files = files
    }

    /// Keeps the object a work is about, if it is about one and its version is still there: JSON of a `KeptObject`,
    /// empty if the event is about no object. A dead letter that dies again goes on with what it has. Until `written`
    /// says that the journal has it, no cleaning takes what was kept.
    package func keep(
        _ input: ObjectInput?, for work: Work, attempt: AttemptID, ordinal: Int, copyLimit: Int64,
        isolation: isolated (any Actor)? = #isolation
    ) async -> [UInt8] {
        if let id = work.deadLetter { return await kept(by: id, of: input) }
        guard let input else { return [] }
        unwritten.withLock { _ = $0.insert(attempt) }
        let (buckets, journal) = (buckets, journal)
        return await files.run {
            var kept = KeptObject(object: input, kept: nil, reason: nil)
            do {
                let known = try journal.object(bucket: input.bucket, key: input.key)
                guard let bucket = buckets[input.bucket] else {
                    throw CallRefusal("NoSuchBucket", "there is no bucket \(input.bucket)")
                }
                guard let known, known.isVersion(of: input, event: work.eventID) else {
                    throw CallRefusal("ObjectChanged", "the object was deleted or replaced")
                }
                kept.kept = try bucket.keepInput(
                    input.key, version: ObjectVersion(stamp: known.stamp, sample: known.sample),
                    id: "\(attempt)-\(ordinal)", copyLimit: copyLimit)
            } catch let error as CallRefusal {
                kept.reason = error.failure.message
            } catch let error as ObjectStoreError {
                kept.reason = error.message
            } catch {
                kept.reason = "\(error)"
            }
            return JSONText.encode(kept)
        }
    }

    /// The journal has the dead letters of an attempt: from now on what they keep is named by them.
    package func written(_ attempt: AttemptID) {
        unwritten.withLock { _ = $0.remove(attempt) }
    }

    /// What a dead letter keeps, as JSON. `input`: what its event is about.
    private func kept(
        by id: Int64, of input: ObjectInput?, isolation: isolated (any Actor)? = #isolation
    ) async -> [UInt8] {
        // By itself: the rest of the letter may be damaged.
        switch await untilReadable({ try $0.keptInputs(after: id - 1, limit: 1) }) {
        case .success(let found): return found.first.flatMap { $0.id == id ? $0.input : nil } ?? []
        case .failure(let error):
            guard error.code != .closed, let input else { return [] }
            return JSONText.encode(
                KeptObject(object: input, kept: nil, reason: "what dead letter \(id) kept cannot be read: \(error)"))
        }
    }

    /// A dead letter as the journal has it; nil: there is none, it is damaged, or the journal is closed.
    package func letter(_ id: Int64, isolation: isolated (any Actor)? = #isolation) async -> DeadLetter? {
        (try? await untilReadable { try $0.deadLetter(id: id) }.get()) ?? nil
    }

    /// What cannot be read now is asked for again: a letter that is written without what it had would lose that for
    /// good. What never can be read must not hold back what stands behind it.
    private func untilReadable<Value: Sendable>(
        _ read: @escaping @Sendable (any JournalStore) throws -> Value,
        isolation: isolated (any Actor)? = #isolation
    ) async -> Result<Value, JournalError> {
        let journal = journal
        while true {
            do {
                return .success(try await files.run { try read(journal) })
            } catch {
                guard let error = error as? JournalError else {
                    return .failure(JournalError(.storage, "\(error)", cause: error))
                }
                guard error.isPassing else { return .failure(error) }
                await LoopPause.sleep(milliseconds: 1000)
            }
        }
    }

    /// Removes what no dead letter names and none is about to; `changedBefore` (nanoseconds since 1970) leaves younger
    /// ones alone. Blocking.
    package func clean(changedBefore limit: Int64) throws {
        // In this order: what is there by now was kept for a letter that the journal has, or that is still to come.
        let there = buckets.all.map { ($0, $0.keptNames()) }
        let coming = unwritten.withLock { $0 }
        let named = try Self.named(in: journal)
        for (bucket, names) in there {
            let gone = names.filter { name in
                !named.contains(name) && !coming.contains { name.hasPrefix("\($0)-") }
            }
            bucket.removeKept(gone, changedBefore: limit)
        }
    }

    /// The ids of the input copies that dead letters refer to.
    private static func named(in journal: any JournalStore) throws -> Set<String> {
        var ids: Set<String> = []
        var after: Int64 = 0
        while true {
            let page = try journal.keptInputs(after: after, limit: 500)
            for letter in page {
                if let kept = JSONText.decode(KeptObject.self, from: letter.input)?.kept { ids.insert(kept.id) }
            }
            guard let last = page.last else { return ids }
            after = last.id
        }
    }

    /// Removes what a dead letter kept. Blocking.
    package func release(_ letter: DeadLetter) {
        guard let input = JSONText.decode(KeptObject.self, from: letter.input), let kept = input.kept else { return }
        buckets[input.object.bucket]?.releaseKept(kept)
    }
}
