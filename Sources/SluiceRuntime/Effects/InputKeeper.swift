import FunctionProtocol
package import Journal
package import ObjectStore
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

    package init(buckets: BucketSet, journal: any JournalStore, files: FileThreads) {
        self.buckets = buckets
        self.journal = journal
        self.files = files
    }

    /// Keeps the object a work is about, if it is about one and its version is still there: JSON of a `KeptObject`,
    /// empty if the event is about no object. A dead letter that dies again goes on with what it has.
    @LoopActor
    func keep(
        _ input: ObjectInput?, for work: Work, attempt: AttemptID, ordinal: Int, copyLimit: Int64
    ) async -> [UInt8] {
        guard let input else { return [] }
        let (buckets, journal) = (buckets, journal)
        return await files.run {
            if let letter = work.deadLetter { return (try? journal.deadLetter(id: letter)?.input) ?? [] }
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

    /// Removes what a dead letter kept. Blocking.
    package func release(_ letter: DeadLetter) {
        guard let input = JSONText.decode(KeptObject.self, from: letter.input), let kept = input.kept else { return }
        buckets[input.object.bucket]?.releaseKept(kept)
    }
}
