/// Compares what is on the disk with what the index knows, both in the order of keys, and names the keys whose stamps
/// differ. In slices, so that live events are not kept waiting behind a million files.
final class BucketScan {
    enum Extent: Equatable {
        case bucket
        /// A folder's path.
        case folder(String)
    }

    let extent: Extent
    /// How many files were met.
    private(set) var met = 0

    /// The folder was there.
    private(set) var hasEntered = false

    private let bucket: Bucket
    private let index: any ObjectIndexReading
    private let prefix: String
    private let walk: TreeWalk
    private var found: ListedObject?
    private var walkEnded = false
    private var page: ArraySlice<KnownObject> = []
    private var pageAfter: String
    private var pagesEnded = false
    private var unclear: [String] = []
    private static let pageSize = 500

    init(
        _ extent: Extent, bucket: Bucket, index: any ObjectIndexReading,
        entered: @escaping (_ folder: String, _ descriptor: Int32) -> Void,
        refused: @escaping (_ path: String, _ reason: String) -> Void,
        unread: @escaping (_ folder: String, _ error: SystemError) -> Void
    ) throws(SystemError) {
        self.extent = extent
        self.bucket = bucket
        self.index = index
        switch extent {
        case .bucket: prefix = ""
        case .folder(let path): prefix = path + "/"
        }
        pageAfter = prefix
        walk = try TreeWalk(bucket: bucket, prefix: prefix)
        walk.entered = { [unowned self] folder, descriptor in
            hasEntered = true
            entered(folder, descriptor)
        }
        walk.refused = refused
        walk.unread = unread
        walk.unclear = { [unowned self] key in unclear.append(key) }
    }

    /// Goes on for about `limit` objects and calls `differs` with the keys to be looked at. False at the end.
    func advance(limit: Int, _ differs: (String) -> Void) throws -> Bool {
        var steps = 0
        while steps < limit {
            steps += 1
            if found == nil, !walkEnded {
                found = try walk.next()
                walkEnded = found == nil
                if !walkEnded { met += 1 }
                // The look tries again until it knows.
                for key in unclear { differs(key) }
                unclear = []
            }
            if page.isEmpty, !pagesEnded { try readPage() }
            switch (found, page.first) {
            case (nil, nil): return false
            case (let object?, nil):
                differs(object.key)
                found = nil
            case (nil, let known?):
                differs(known.key)
                page.removeFirst()
            case (let object?, let known?):
                if object.key.isSameBytes(as: known.key) {
                    if !object.stamp.isSameVersion(as: known.stamp) { differs(object.key) }
                    found = nil
                    page.removeFirst()
                } else if ByteKey(object.key) < ByteKey(known.key) {
                    differs(object.key)
                    found = nil
                } else {
                    differs(known.key)
                    page.removeFirst()
                }
            }
        }
        return true
    }

    /// Leaves a folder that went: its files are gone, or are found under their new names.
    func leave(_ folder: String) { walk.leave(folder) }

    private func readPage() throws {
        let read = try index.page(bucket: bucket.name, after: pageAfter, limit: Self.pageSize)
        if let last = read.last { pageAfter = last.key }
        pagesEnded = read.count < Self.pageSize
        page = read[...]
        if let end = page.firstIndex(where: { !$0.key.hasBytePrefix(prefix) }) {
            page = page[..<end]
            pagesEnded = true
        }
    }
}
