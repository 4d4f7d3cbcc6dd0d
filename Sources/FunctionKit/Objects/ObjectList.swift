import FunctionProtocol

/// Objects of a bucket, one after the other, in key order.
public struct ObjectList: AsyncSequence, Sendable {
    public typealias Element = ObjectInfo

    /// The same objects in pages of up to 1,000, one call to the host each.
    public let pages: ObjectPages

    public func makeAsyncIterator() -> Iterator { Iterator(pages: pages.makeAsyncIterator()) }

    /// See `AsyncIteratorProtocol`.
    public struct Iterator: AsyncIteratorProtocol {
        private var pages: ObjectPages.Iterator
        private var page: ArraySlice<ObjectInfo> = []

        init(pages: ObjectPages.Iterator) { self.pages = pages }

        public mutating func next() async throws -> ObjectInfo? {
            while page.isEmpty {
                guard let next = try await pages.next() else { return nil }
                page = next[...]
            }
            return page.removeFirst()
        }
    }
}

/// Objects of a bucket, a page at a time. A page may be empty.
public struct ObjectPages: AsyncSequence, Sendable {
    public typealias Element = [ObjectInfo]
    let scope: InvocationScope
    let bucket: String
    let prefix: String
    let after: String?

    public func makeAsyncIterator() -> Iterator {
        Iterator(scope: scope, request: ListRequest(bucket: bucket, prefix: prefix, after: after))
    }

    /// See `AsyncIteratorProtocol`.
    public struct Iterator: AsyncIteratorProtocol {
        private let scope: InvocationScope
        private var request: ListRequest?

        init(scope: InvocationScope, request: ListRequest) {
            self.scope = scope
            self.request = request
        }

        public mutating func next() async throws -> [ObjectInfo]? {
            guard var request else { return nil }
            let reply = try scope.call(.listObjects, request, reply: ListReply.self)
            if let next = reply.next {
                request.after = next
                self.request = request
            } else {
                self.request = nil
            }
            return try reply.objects.map { try ObjectInfo($0) }
        }
    }
}
