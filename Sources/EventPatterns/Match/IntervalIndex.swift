/// A read-only set of closed intervals that answers which hold a number, in O(log n + answers).
///
/// A balanced search tree by the low end, laid out as a sorted array (the root is the middle); every entry knows the
/// highest end below it (Cormen et al., "interval trees").
struct IntervalIndex {
    struct Entry: BitwiseCopyable {
        var low: Double
        var high: Double
        var highest: Double
        var subRule: UInt32
    }

    private(set) var entries: Buffer<Entry>

    init(_ intervals: [Entry]) {
        entries = Buffer(intervals.sorted { $0.low < $1.low })
        _ = fillHighest(0, entries.count)
    }

    private func fillHighest(_ first: Int, _ end: Int) -> Double {
        guard first < end else { return -.infinity }
        let middle = (first + end) / 2
        let below = max(fillHighest(first, middle), fillHighest(middle + 1, end))
        let highest = max(below, entries[middle].high)
        entries.base[middle].highest = highest
        return highest
    }

    /// Appends the sub-rule of every interval that holds `number` to `found`. `stack` is room to work in.
    @inline(__always)
    func collect(containing number: Double, _ found: inout Buffer<UInt32>, _ stack: inout Buffer<Int32>) {
        // The bounds of the parts left to visit, in pairs.
        stack.truncate(0)
        stack.append(0)
        stack.append(Int32(truncatingIfNeeded: entries.count))
        while stack.count > 0 {
            let end = stack.removeLast()
            let first = stack.removeLast()
            if first >= end { continue }
            let middle = (first + end) / 2
            let entry = entries.base + Int(middle)
            if entry.pointee.highest < number { continue }
            if entry.pointee.low <= number {
                stack.append(middle + 1)
                stack.append(end)
                if entry.pointee.high >= number { found.append(entry.pointee.subRule) }
            }
            stack.append(first)
            stack.append(middle)
        }
    }

    func free() { entries.free() }

    var byteCount: Int { entries.byteCount }
}
