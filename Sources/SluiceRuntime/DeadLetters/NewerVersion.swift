package import Journal
import UVLoop

/// Dead letters of objects that were replaced since: the newer version has an event of its own, and what was made of it
/// must not be overwritten by what the older one gives.
package enum NewerVersion {
    /// What a redrive says of a letter that it leaves alone.
    package static let code = "NewerVersion"

    /// When the newer version came, of those letters whose object has one. Blocking.
    ///
    /// - Parameter outside: targets that are told of events and make nothing of their objects: an older version's is as
    ///   good.
    package static func times(
        of letters: [DeadLetter], outside: Set<SubscriptionID>, _ journal: any JournalStore
    ) throws(JournalError) -> [Int64: Milliseconds] {
        var times: [Int64: Milliseconds] = [:]
        for letter in letters where !letter.input.isEmpty && !outside.contains(letter.delivery.subscription) {
            guard let input = JSONText.decode(KeptObject.self, from: letter.input)?.object,
                let known = try journal.object(bucket: input.bucket, key: input.key),
                // What was taken up in silence has no event of its own.
                !known.eventID.isEmpty, !known.isVersion(of: input, event: letter.eventID)
            else { continue }
            times[letter.id] = known.arrival
        }
        return times
    }
}

extension ObjectRecord {
    /// Whether it is the version that an event is about. The event's id alone does not tell: what goes on to another
    /// bus, and what is announced again, has another.
    func isVersion(of input: ObjectInput, event id: String) -> Bool { etag == input.etag || eventID == id }
}

extension Deployment {
    /// The subscriptions whose targets are no functions.
    package var outside: Set<SubscriptionID> { Set(subscriptions.lazy.filter(\.isOutside).map(\.id)) }
}

extension RedriveJobs {
    /// Which of the letters a job leaves alone. None where the event is edited or sent elsewhere: that is on purpose.
    func replaced(_ letters: [DeadLetter], for job: RedriveRecord) async throws(JournalError) -> Set<Int64> {
        guard job.to == nil, job.edit == nil, job.olderVersions != true else { return [] }
        let (journal, outside) = (journal, dispatcher.deployment.outside)
        let found = await files.run { () -> Result<Set<Int64>, JournalError> in
            do throws(JournalError) {
                return .success(Set(try NewerVersion.times(of: letters, outside: outside, journal).keys))
            } catch {
                return .failure(error)
            }
        }
        return try found.get()
    }
}
