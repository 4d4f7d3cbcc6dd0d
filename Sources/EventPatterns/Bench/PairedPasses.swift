/// What several contenders take for the same parts of a work, in turns. A machine's speed changes by more than what is
/// looked for, so times are compared within a turn only, and of the turns' ratios the median counts.
package struct PairedPasses: Sendable {
    /// By contender, the best seconds of each part, added up.
    package private(set) var best: [Double]
    /// By turn and contender.
    private var times: [[Double]] = []

    /// Runs every part by each contender in turn, twice, of which the second counts: the processor has then got used to
    /// what it does next, and the part is in its cache. Longer parts would fall into step with the turns that the
    /// system gives to others.
    ///
    /// - Parameters:
    ///   - duration: goes on for so long, and for five rounds of all parts at least.
    ///   - pass: runs a part (the second number) by a contender (the first).
    package init<Failure: Error>(
        contenders: Int, parts: Int, duration: Duration, _ pass: (Int, Int) throws(Failure) -> Void
    ) throws(Failure) {
        let clock = ContinuousClock()
        var bests = [[Double]](repeating: [Double](repeating: .infinity, count: parts), count: contenders)
        var rounds = 0
        let begin = clock.now
        while rounds < 5 || clock.now - begin < duration {
            rounds += 1
            for part in 0..<parts {
                var turn: [Double] = []
                for contender in 0..<contenders {
                    try pass(contender, part)
                    let start = clock.now
                    try pass(contender, part)
                    let taken = (clock.now - start).components
                    turn.append(Double(taken.seconds) + Double(taken.attoseconds) * 1e-18)
                    bests[contender][part] = min(bests[contender][part], turn[contender])
                }
                times.append(turn)
            }
        }
        best = bests.map { $0.reduce(0, +) }
    }

    /// The median of a contender's time by another's.
    package func ratio(_ contender: Int, to other: Int) -> Double {
        let ratios = times.map { $0[contender] / $0[other] }.sorted()
        return ratios[ratios.count / 2]
    }
}
