package import ObjectStore
import Synchronization

/// The open buckets by name.
package final class BucketSet: Sendable {
    private let buckets = Mutex<[String: Bucket]>([:])

    package init() {}

    package subscript(name: String) -> Bucket? {
        buckets.withLock { $0[name] }
    }

    package func set(_ bucket: Bucket) {
        buckets.withLock { $0[bucket.name] = bucket }
    }

    package func remove(_ name: String) {
        buckets.withLock { _ = $0.removeValue(forKey: name) }
    }

    /// Sorted by name.
    package var all: [Bucket] {
        buckets.withLock { $0.values.sorted { $0.name < $1.name } }
    }
}
