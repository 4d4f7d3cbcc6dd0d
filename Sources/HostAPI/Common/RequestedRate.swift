/// How fast somebody wants a job of the host to go, in events a second: one range for redrives, replays and triggers.
package enum RequestedRate {
    package static let range = 0.001...1_000_000.0

    /// What is wrong with a rate; nil: nothing. Neither infinity nor what is no number lies within the range.
    package static func problem(_ rate: Double?) -> String? {
        guard let rate, !range.contains(rate) else { return nil }
        return "goes from 0.001 to 1000000 events a second"
    }

    /// Throws `InvalidRequest` for a rate that no job can keep.
    package static func check(_ rate: Double?) throws(APIError) {
        if let problem = problem(rate) { throw .invalidRequest("the rate \(problem)") }
    }

    /// The nearest rate that can be kept, for what was stored before it was checked; nil: as fast as there is room.
    package static func usable(_ rate: Double?) -> Double? {
        guard let rate, !rate.isNaN else { return nil }
        return min(max(rate, range.lowerBound), range.upperBound)
    }

    /// How many events to take at a time: a quarter of a second's worth, at most `most`.
    package static func page(at rate: Double?, most: Int) -> Int {
        guard let rate = usable(rate) else { return most }
        return max(1, min(most, Int(rate / 4)))
    }

    /// The milliseconds that `count` events take.
    package static func milliseconds(of count: Int, at rate: Double) -> Int {
        guard let rate = usable(rate) else { return 0 }
        return Int(min(Double(max(0, count)) / rate * 1000, 1e12))
    }
}
