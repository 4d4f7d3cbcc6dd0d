extension JournalOptions {
    /// The variables that a host reads when it starts. The journal opens before any app is known, so these two sizes
    /// cannot be in sluice.yaml.
    package enum Variable {
        /// Megabytes of events after which a segment is closed: what the archive time removes, it removes by segments.
        package static let segment = "SLUICE_SEGMENT_MB"
        /// Megabytes kept for a full disk; 0 for none.
        package static let ballast = "SLUICE_BALLAST_MB"
    }

    /// The defaults, changed by the variables that are set. `value` gives a variable's text, nil for one that is not
    /// set.
    ///
    /// Throws `invalidOption`, naming the variable and what it may be: a misspelt size must not go unnoticed until the
    /// disk is full.
    package init(environment value: (String) -> String?) throws(JournalError) {
        self.init()
        if let megabytes = try Self.megabytes(Variable.segment, value, in: 1...4096) { segmentBytes = megabytes << 20 }
        if let megabytes = try Self.megabytes(Variable.ballast, value, in: 0...4096) { ballastBytes = megabytes << 20 }
    }

    private static func megabytes(
        _ name: String, _ value: (String) -> String?, in range: ClosedRange<Int64>
    ) throws(JournalError) -> Int64? {
        guard let text = value(name), !text.isEmpty else { return nil }
        guard let number = Int64(text), range.contains(number) else {
            throw JournalError(
                .invalidOption,
                "\(name)=\(text) is no size; write a whole number of megabytes from \(range.lowerBound) to "
                    + "\(range.upperBound), or unset it.")
        }
        return number
    }
}
