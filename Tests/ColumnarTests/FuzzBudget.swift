import Foundation

/// How long damaged inputs are made: once with the seed that a test has, and with SLUICE_FUZZ_SECONDS, shared among a
/// suite's tests, again with other seeds until so many seconds are over. SLUICE_FUZZ_SEED begins elsewhere.
struct FuzzBudget {
    private let seconds: Double
    private let first: UInt64

    /// - Parameter parts: how many tests share the seconds.
    init(parts: Int = 1) {
        let environment = ProcessInfo.processInfo.environment
        seconds = (environment["SLUICE_FUZZ_SECONDS"].flatMap(Double.init) ?? 0) / Double(parts)
        first = environment["SLUICE_FUZZ_SEED"].flatMap(UInt64.init) ?? 0
    }

    /// Runs `body` with a number to be added to the seed, once at least.
    func repeated(_ body: (UInt64) throws -> Void) rethrows {
        let clock = ContinuousClock()
        let start = clock.now
        var turn = first
        repeat {
            try body(turn)
            turn &+= 1
        } while (clock.now - start) / .seconds(1) < seconds
    }
}
