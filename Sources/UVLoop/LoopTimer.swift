internal import CLibUV

/// One shot of a timer on the host's loop. Letting go of it does not cancel it.
@LoopActor
package struct LoopTimer {
    private let id: UInt64

    /// Runs `body` on the loop once `delay` has passed: never early, late by up to a millisecond (libuv's resolution)
    /// and by what the loop is busy with.
    package static func after(_ delay: Duration, _ body: @escaping @LoopActor () -> Void) -> LoopTimer {
        let (seconds, attoseconds) = delay.components
        let nanoseconds = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let total =
            nanoseconds.overflow ? Int64.max / 2 : max(0, nanoseconds.partialValue + attoseconds / 1_000_000_000)
        return at(UVLoop.now() + UInt64(total), body)
    }

    /// Runs `body` on the loop when `UVLoop.now()` has reached `due`.
    package static func at(_ due: UInt64, _ body: @escaping @LoopActor () -> Void) -> LoopTimer {
        guard let timers = UVLoop.shared.timers else { preconditionFailure("A loop has timers from its start on.") }
        return LoopTimer(id: timers.add(due: due) { LoopActor.assumeIsolated(body) })
    }

    /// Does nothing if it has fired or was cancelled.
    package func cancel() {
        UVLoop.shared.timers?.cancel(id)
    }
}

/// Every timer of a loop on one `uv_timer`. Only on the loop's thread.
final class LoopTimers {
    private var heap = TimerHeap<() -> Void>()
    private let handle: UnsafeMutablePointer<uv_timer_t>
    private unowned let loop: UVLoop
    /// What the handle is armed for.
    private var armed: UInt64?

    init(loop: UVLoop) throws(UVError) {
        self.loop = loop
        handle = .allocate(capacity: 1)
        try UVError.check(uv_timer_init(loop.loop, handle), "uv_timer_init")
        handle.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    }

    func add(due: UInt64, _ body: @escaping () -> Void) -> UInt64 {
        loop.checkIsolated()
        let id = heap.insert(body, due: due)
        arm()
        return id
    }

    func cancel(_ id: UInt64) {
        loop.checkIsolated()
        heap.remove(id)
        // A cancelled time limit leaves the handle armed: it finds nothing due and arms itself anew. Only the last one
        // stops it, so that an idle loop does not wake.
        if heap.count == 0 { arm() }
    }

    private func arm() {
        guard let due = heap.nextDue() else {
            if armed != nil { uv_timer_stop(handle) }
            armed = nil
            return
        }
        if let armed, armed <= due { return }
        armed = due
        uv_update_time(loop.loop)
        let now = uv_hrtime()
        let milliseconds = due > now ? (due - now + 999_999) / 1_000_000 : 0
        uv_timer_start(handle, LoopTimers.fired, milliseconds, 0)
    }

    private func fire() {
        armed = nil
        // One reading of the clock: a body that adds a timer of zero length does not keep the loop here.
        let now = uv_hrtime()
        while let body = heap.popDue(now: now) { body() }
        arm()
    }

    private static let fired: uv_timer_cb = { handle in
        guard let data = handle?.pointee.data else { return }
        let timers = Unmanaged<LoopTimers>.fromOpaque(data).takeUnretainedValue()
        timers.loop.inCallback { timers.fire() }
    }
}
