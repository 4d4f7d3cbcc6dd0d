/// One measured figure, as `sluice bench` prints it.
package struct JournalFigure: Sendable, Hashable {
    /// `events_per_second`, `p50_ms`, …
    package var metric: String
    package var value: Double
    package var unit: String
    /// The same measure of raw SQLite in the same run, and how much of it the journal reaches; nil where there is none.
    package var floor: Double?
    package var ratio: Double?

    package init(metric: String, value: Double, unit: String, floor: Double? = nil, ratio: Double? = nil) {
        self.metric = metric
        self.value = value
        self.unit = unit
        self.floor = floor
        self.ratio = ratio
    }
}

extension [Double] {
    /// The value below which `fraction` of the values lie; 0 of none.
    func percentile(_ fraction: Double) -> Double {
        guard !isEmpty else { return 0 }
        return sorted()[Swift.min(count - 1, Int(Double(count) * fraction))]
    }

    var median: Double { percentile(0.5) }
}
