import EventPatterns

/// What a producer's request costs the host before it goes to the journal, alone on one thread.
enum PipelineParsing {
    /// Microseconds an event; the median of some passes over a request of 200.
    static func microseconds(rules: Int, bytes: Int) throws -> Double {
        var intake = ProducerIntake(
            Matcher(
                try (0..<rules).map { index in
                    let type = index == 0 ? "Sample" : "Other \(index)"
                    return (
                        index, try EventPattern(parsing: #"{"source":["bench.pipeline"],"detail-type":["\#(type)"]}"#)
                    )
                }))
        var body = ProducerBody(bytes: bytes, detailType: "Sample")
        let count = 200
        body.fill(first: 0, count: count, sent: 0, late: 0)
        var times: [Double] = []
        for _ in 0..<101 {
            let began = BenchClock.nanoseconds
            let matched = try intake.take(body.bytes)
            guard matched == count else { throw Failure("\(matched) of \(count) events were matched") }
            times.append(Double(BenchClock.nanoseconds - began) / 1000 / Double(count))
        }
        return times.sorted()[times.count / 2]
    }
}
