import Journal

extension JournalStore {
    /// How many objects a bucket has, and their bytes. Blocking; pages through the index.
    func objectCount(bucket: String) throws(JournalError) -> (objects: Int64, bytes: Int64) {
        var (count, bytes): (Int64, Int64) = (0, 0)
        var after: String?
        while true {
            let page = try objects(bucket: bucket, prefix: "", after: after, limit: 5000)
            count += Int64(page.count)
            bytes += page.reduce(0) { $0 + $1.size }
            guard page.count == 5000, let last = page.last else { return (count, bytes) }
            after = last.key
        }
    }
}
