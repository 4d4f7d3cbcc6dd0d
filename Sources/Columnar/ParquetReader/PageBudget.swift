import Synchronization

/// What the pages and dictionaries of a file that are open at the same time hold, expanded.
final class PageBudget: Sendable {
    private let limit: Int
    private let held = Atomic<Int>(0)

    init(_ limit: Int) { self.limit = limit }

    /// Counts memory that is about to be taken, until the result is gone.
    func take(_ bytes: Int) throws(DecodeFault) -> PageHold {
        let hold = PageHold(self, bytes)
        let total = held.add(bytes, ordering: .relaxed).newValue
        guard total <= limit else {
            throw DecodeFault(
                "needs \(bytes) bytes expanded, and with the other open pages of the file \(total); the limit "
                    + "(ParquetLimits.openBytes) is \(limit)", code: .limitExceeded)
        }
        // A page beside its stored bytes. What is smaller than that is not worth asking for.
        if bytes > 1 << 20 {
            do throws(ColumnarError) {
                try FreeMemory.require(2 * bytes)
            } catch {
                throw DecodeFault(
                    "needs \(bytes) bytes expanded, and the system gives no more memory", code: .outOfMemory)
            }
        }
        return hold
    }

    fileprivate func give(_ bytes: Int) { held.subtract(bytes, ordering: .relaxed) }
}

/// Memory of an open page; counted as long as this is there.
final class PageHold: Sendable {
    private let budget: PageBudget
    private let bytes: Int

    fileprivate init(_ budget: PageBudget, _ bytes: Int) {
        self.budget = budget
        self.bytes = bytes
    }

    deinit { budget.give(bytes) }
}
