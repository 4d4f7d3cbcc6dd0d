import UVLoop

/// Waiting on the loop.
enum LoopPause {
    /// Sleeps; a longer pause in steps, and only as long as `isWanted` says so.
    @LoopActor
    static func sleep(milliseconds: Int, while isWanted: @LoopActor () -> Bool = { true }) async {
        var left = max(1, milliseconds)
        while left > 0, isWanted() {
            let step = min(left, 500)
            left -= step
            await withCheckedContinuation { continuation in
                _ = LoopTimer.after(.milliseconds(step)) { continuation.resume() }
            }
        }
    }
}
