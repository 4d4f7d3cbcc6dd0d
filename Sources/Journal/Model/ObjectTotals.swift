/// How many objects a bucket has, and how many bytes they have together.
package struct ObjectTotals: Sendable, Hashable {
    package private(set) var objects: Int64 = 0
    /// Wider than a size: a sparse file may claim to be as long as a file can be, and two of them more.
    private var sum: Int128 = 0

    /// Ends at the greatest number.
    package var bytes: Int64 { Int64(clamping: sum) }

    package init() {}

    init(objects: Int64, sum: Int128) {
        self.objects = objects
        self.sum = sum
    }

    /// An object of the size `old` (nil: none) has become one of the size `new` (nil: it is gone).
    mutating func replace(_ old: Int64?, with new: Int64?) {
        if let old {
            objects -= 1
            sum -= Int128(old)
        }
        if let new {
            objects += 1
            sum += Int128(new)
        }
    }

    static func += (left: inout ObjectTotals, right: ObjectTotals) {
        left.objects += right.objects
        left.sum += right.sum
    }
}
