extension JournalBench {
    /// How the cost of an event grows with what there is: events in the log, subscriptions that want each event, events
    /// that wait. Microseconds an event, appended and settled, durable; the median of `runs`.
    ///
    /// - Returns: figures with the first point of their curve as floor.
    package func curves(progress: (String) -> Void = { _ in }) throws -> [JournalFigure] {
        let payloads = Self.payloads(bytes)
        var figures: [JournalFigure] = []
        func curve(_ name: String, _ points: [Int], _ measure: (Int) throws -> [Double]) throws {
            var first: Double?
            for point in points {
                progress("\(name): \(point)")
                let cost = 1_000_000 / (try measure(point)).median
                figures.append(
                    JournalFigure(
                        metric: "\(name)_\(point)_us_per_event", value: cost, unit: "µs", floor: first,
                        ratio: first.map { cost / $0 }))
                first = first ?? cost
            }
        }
        let slice = min(events, 100_000)
        try curve("events_in_log", Self.decades(upTo: recoveryEvents)) { there in
            try withFolder { folder in
                if there > 0 { _ = try drive(payloads, subscriptions: 1, events: there, in: folder) }
                return try repeated { try drive(payloads, subscriptions: 1, events: slice, in: folder).eventsPerSecond }
            }
        }
        try curve("subscriptions", [1, 10, 100, 1_000]) { count in
            // Each event is settled so often: fewer of them take the same time.
            let events = max(1_000, slice / count)
            return try repeated {
                try drive(payloads, subscriptions: Int64(count), events: events).eventsPerSecond
            }
        }
        try curve("backlog", Self.decades(upTo: recoveryEvents)) { waiting in
            try withFolder { folder in
                if waiting > 0 { try fill(folder, payloads, events: waiting) }
                return try repeated { try drive(payloads, subscriptions: 1, events: slice, in: folder).eventsPerSecond }
            }
        }
        return figures
    }

    private func repeated(_ measure: () throws -> Double) throws -> [Double] {
        try (0..<max(1, runs)).map { _ in try measure() }
    }

    /// 0, 10,000, 100,000, … up to a number.
    private static func decades(upTo limit: Int) -> [Int] {
        var points = [0]
        var next = 10_000
        while next <= limit {
            points.append(next)
            next *= 10
        }
        return points
    }
}
