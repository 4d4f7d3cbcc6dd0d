extension Array {
    /// As `init(unsafeUninitializedCapacity:initializingWith:)`, also for no elements. There the standard library
    /// stores the count into the array that all empty ones share: the same count, but thread sanitizers rightly call a
    /// store without a lock a race.
    @inline(__always)
    init(room count: Int, initializingWith fill: (UnsafeMutableBufferPointer<Element>, inout Int) -> Void) {
        self.init(unsafeUninitializedCapacity: Swift.max(1, count)) { room, initialized in
            fill(UnsafeMutableBufferPointer(rebasing: room[..<count]), &initialized)
        }
    }
}
