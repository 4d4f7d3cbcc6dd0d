import Journal

extension JournalStore {
    /// How many objects a bucket has, and their bytes. Blocking; pages through the index.
    func objectCount(bucket: String) throws(JournalError) -> (objects: Int64, bytes: Int64) {
        var (count, bytes): (Int64, Int64) = (0, 0)
        var after: String?
        while true {
            let page = try objects(bucket: bucket, prefix: "", after: after, limit: 5000)
            count += Int64(page.count)
            for object in page { bytes = bytes.addingClamped(object.size) }
            guard page.count == 5000, let last = page.last else { return (count, bytes) }
            after = last.key
        }
    }
}

extension Int64 {
    /// The sum, or the greatest number: a sparse file may claim to be as long as a file can be, and two of them more.
    func addingClamped(_ other: Int64) -> Int64 {
        let (sum, isOverflow) = addingReportingOverflow(other)
        return isOverflow ? (other < 0 ? .min : .max) : sum
    }
}
