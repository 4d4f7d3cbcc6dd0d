/// Places in a record's payload where the journal writes the record's own position, which nobody knows earlier: decimal
/// digits over the last ones of a row of zeros.
package struct PositionMarks: Sendable, Hashable {
    /// Behind the last digit of each place.
    package var ends: [Int]

    package init(ends: [Int]) {
        self.ends = ends
    }

    /// Does nothing for a place that is not in the payload, or has no room.
    func write(_ position: Position, into payload: inout [UInt8]) {
        for end in ends {
            var index = end
            var rest = position
            while rest > 0, index > 0, index <= payload.count {
                index -= 1
                payload[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
        }
    }
}
