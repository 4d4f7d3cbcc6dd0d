/// How a region's clocks differ from UTC, over all time: what a time zone file says.
package struct TimeZoneRules: Sendable, Hashable {
    /// Moments in UTC, ascending, at which another offset begins.
    private let moments: [Int64]
    /// Seconds east of Greenwich; one more than there are moments: the first one is before them all.
    private let offsets: [Int64]

    /// The same offset at all times.
    package init(fixed offset: Int64) {
        moments = []
        offsets = [offset]
    }

    package static let utc = TimeZoneRules(fixed: 0)

    /// `offsets` has one more than `moments`; `rule` is for all times after the last moment, and written out up to the
    /// last year that a schedule can name.
    init(moments: [Int64], offsets: [Int64], rule: PosixZone?) {
        var moments = moments
        var offsets = offsets
        if let rule {
            let last = moments.last ?? .min
            let end = CronField.year.range.upperBound + 1
            let first = moments.last.map { min(max(CivilTime(seconds: $0).year, 1900), end) } ?? 1900
            var changes = (first...end).flatMap { rule.transitions(in: $0) }
            changes.sort { $0.at < $1.at }
            for change in changes where change.at > last {
                if change.offset == offsets[offsets.count - 1] { continue }
                moments.append(change.at)
                offsets.append(change.offset)
            }
            if changes.isEmpty, offsets[offsets.count - 1] != rule.standard, moments.isEmpty {
                offsets = [rule.standard]
            }
        }
        self.moments = moments
        self.offsets = offsets
    }

    /// Seconds east of Greenwich at a moment in UTC.
    package func offset(at moment: Int64) -> Int64 {
        var low = 0
        var high = moments.count
        while low < high {
            let middle = (low + high) / 2
            if moments[middle] <= moment { low = middle + 1 } else { high = middle }
        }
        return offsets[low]
    }

    /// Calls `body` with each stretch of time in its order: the moment in UTC at which it begins, `.min` for the first,
    /// and the seconds east of Greenwich in it.
    package func forEachOffset(_ body: (_ start: Int64, _ offset: Int64) -> Void) {
        for (index, offset) in offsets.enumerated() { body(index == 0 ? .min : moments[index - 1], offset) }
    }

    /// What the region's clocks show at a moment in UTC.
    package func civil(at moment: Int64) -> CivilTime {
        CivilTime(seconds: moment + offset(at: moment))
    }

    /// The moments in UTC at which the region's clocks show `time`: one; none in the hour that is skipped in spring;
    /// two in the hour that is repeated in autumn, the earlier one first.
    package func moments(of time: CivilTime) -> [Int64] {
        let face = time.seconds
        // No offset is more than 26 hours: what is in force a day and more before and after covers both sides of a
        // change, and steps of six hours find every change between.
        var seen: [Int64] = []
        for hours in stride(from: Int64(-30), through: 30, by: 6) {
            let offset = offset(at: face + hours * 3600)
            if !seen.contains(offset) { seen.append(offset) }
        }
        return seen.map { face - $0 }.filter { $0 + offset(at: $0) == face }.sorted()
    }
}
