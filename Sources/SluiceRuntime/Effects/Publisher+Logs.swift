import EventModel
package import FunctionProtocol
import ObjectStore
import UVLoop

/// Buses, streams and buckets that a deployment takes away: what is decided is put there before, and nothing is decided
/// after.
extension Publisher {
    /// Why an outcome cannot be decided: a bus, stream or bucket that it puts something into is gone, or is about to
    /// be.
    func missingPlace(of decision: Decision) -> Failure? {
        missingPlace(decision.logs, buckets: decision.buckets)
    }

    private func missingPlace(_ logs: Set<String>, buckets names: Set<String>) -> Failure? {
        logs.sorted().lazy.compactMap { [router = announcer.router] in router.missing(log: $0) }.first
            ?? names.sorted().lazy.compactMap { [leaving, buckets] name in
                leaving[name] ?? (buckets[name] == nil ? Self.noBucket(name) : nil)
            }.first
    }

    /// The same of what is not decided yet.
    func missingPlace(of operations: [EffectSet.Operation]) -> Failure? {
        var (logs, names): (Set<String>, Set<String>) = ([], [])
        for operation in operations {
            switch operation {
            case .put(_, let to, _): names.insert(to.bucket)
            case .delete(let what, _): names.insert(what.bucket)
            case .event(let entry, _): logs.insert(entry.bus ?? "default")
            case .record(let entry, _, _): logs.insert(StreamLog.name(of: entry.stream))
            case .register: break
            }
        }
        return missingPlace(logs, buckets: names)
    }

    /// Why staged files cannot be published: a deployment has put another folder into their bucket's place since.
    package func lostPlace(of effects: EffectSet) -> Failure? {
        effects.buckets.sorted { $0.key < $1.key }.lazy.compactMap { [buckets] name, bucket in
            guard let now = buckets[name] else { return Self.noBucket(name) }
            return now.folder == bucket.folder ? nil : Self.isLeaving(name, isMoving: true)
        }.first
    }

    /// A bucket's name among the buses and streams.
    package nonisolated static func place(ofBucket name: String) -> String { "bucket \(name)" }

    /// What an outcome is told whose bucket is going. The deployment may still be refused, so that nothing is final,
    /// and it is none of the handler's doing.
    package nonisolated static func isLeaving(_ bucket: String, isMoving: Bool) -> Failure {
        Failure(
            code: "BucketLeaving",
            message: isMoving
                ? "a deployment moves bucket \(bucket) to another folder; tried again there"
                : "a deployment takes bucket \(bucket) away; tried again when it has ended")
    }

    /// What an outcome is told whose bucket has gone.
    private nonisolated static func noBucket(_ name: String) -> Failure {
        Failure(
            code: "NoSuchBucket",
            message: "there is no bucket \(name) any more: a deployment took it away before this could be put there; "
                + "declare it in sluice.yaml again, and redrive")
    }

    package func fill(_ places: Set<String>) {
        for place in places { filling[place, default: 0] += 1 }
    }

    package func filled(_ places: Set<String>) {
        for place in places {
            let count = (filling[place] ?? 1) - 1
            filling[place] = count > 0 ? count : nil
        }
    }

    /// Waits until nothing that is decided puts anything into one of the logs and buckets; what is still under way
    /// after the time, because of a disk that is full or slow. New decisions must be refused by then, or it has no end:
    /// `buckets` are from here on, until `leaving` is emptied.
    package func waitUntilFilled(
        _ logs: Set<String>, buckets: [String: Failure] = [:], milliseconds: Int
    ) async -> [String] {
        leaving = buckets
        let places = logs.union(buckets.keys.map(Self.place(ofBucket:)))
        awaited = places
        defer { awaited = [] }
        let step = 10
        for _ in 0..<max(1, milliseconds / step) where places.contains(where: { filling[$0] != nil }) {
            await LoopPause.sleep(milliseconds: step)
        }
        return places.filter { filling[$0] != nil }.sorted()
    }
}
