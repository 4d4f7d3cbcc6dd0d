extension Int64 {
    /// The sum, or the greatest number: a sparse file may claim to be as long as a file can be, and two of them more.
    func addingClamped(_ other: Int64) -> Int64 {
        let (sum, isOverflow) = addingReportingOverflow(other)
        return isOverflow ? (other < 0 ? .min : .max) : sum
    }
}
