/// Which part of a list is wanted.
package struct PageRequest: Sendable, Hashable {
    package static let defaultLimit = 50
    package static let maximumLimit = 1000

    /// 1 to `maximumLimit`.
    package var limit: Int
    /// `next` of the page before; nil for the first.
    package var after: String?

    package init(limit: Int = PageRequest.defaultLimit, after: String? = nil) {
        self.limit = limit
        self.after = after
    }
}

/// One part of a list.
package struct Page<Item: Codable & Sendable>: Codable, Sendable {
    package var items: [Item]
    /// Pass as `after` for the next part; nil at the end.
    package var next: String?

    package init(items: [Item], next: String? = nil) {
        self.items = items
        self.next = next
    }
}

/// A list that is short by its nature.
package struct Items<Item: Codable & Sendable>: Codable, Sendable {
    package var items: [Item]

    package init(_ items: [Item]) {
        self.items = items
    }
}
