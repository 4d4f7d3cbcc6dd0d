import Testing
import UVLoop

@Suite("Timers on the loop", .timeLimit(.minutes(5)))
@LoopActor
struct LoopTimerTests {
    @Test("Timers fire in order of their due times, never early")
    func order() async {
        var fired: [Int] = []
        let start = UVLoop.now()
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            _ = LoopTimer.after(.milliseconds(9)) {
                fired.append(3)
                done.resume()
            }
            _ = LoopTimer.after(.milliseconds(3)) {
                fired.append(1)
                #expect(UVLoop.now() - start >= 3_000_000)
            }
            _ = LoopTimer.after(.microseconds(5500)) { fired.append(2) }
            _ = LoopTimer.after(.zero) { fired.append(0) }
        }
        #expect(fired == [0, 1, 2, 3])
        #expect(UVLoop.now() - start >= 9_000_000)
    }

    @Test("A cancelled timer does not fire, and the others still do")
    func cancel() async {
        var fired = false
        let cancelled = LoopTimer.after(.milliseconds(1)) { fired = true }
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            _ = LoopTimer.after(.milliseconds(3)) { done.resume() }
            cancelled.cancel()
        }
        cancelled.cancel()
        #expect(!fired)
    }

    @Test("An absurdly long delay is accepted")
    func long() {
        LoopTimer.after(.seconds(Int64.max)) { Issue.record("fired") }.cancel()
    }
}
