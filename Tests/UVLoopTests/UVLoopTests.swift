import Glibc
import Synchronization
import Testing
import UVLoop

/// An actor on a loop of its own.
private actor Counter {
    let loop: UVLoop
    private(set) var values: [Int] = []

    init(loop: UVLoop) { self.loop = loop }

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    func add(_ value: Int) {
        loop.checkIsolated()
        values.append(value)
    }
}

@Suite("The loop as an executor", .timeLimit(.minutes(5)))
struct UVLoopTests {
    @Test("Code isolated to LoopActor runs on the loop's thread, other code does not")
    func isolation() async {
        #expect(!UVLoop.shared.isOnLoop)
        await Task { @LoopActor in
            #expect(UVLoop.shared.isOnLoop)
            LoopActor.assertIsolated()
            LoopActor.assumeIsolated { #expect(UVLoop.shared.isOnLoop) }
        }.value
    }

    @Test("Jobs run in the order in which one thread submits them")
    func order() async {
        let seen = await withCheckedContinuation { (done: CheckedContinuation<[Int], Never>) in
            final class Seen: Sendable { let values = Mutex<[Int]>([]) }
            let seen = Seen()
            for number in 0..<10_000 { LoopActor.submit { seen.values.withLock { $0.append(number) } } }
            LoopActor.submit { done.resume(returning: seen.values.withLock { $0 }) }
        }
        #expect(seen == Array(0..<10_000))
    }

    @Test("Enqueuing from many threads loses nothing; stop runs what waits and ends the thread")
    func manyThreads() async throws {
        let loop = try UVLoop(name: "test-loop")
        let counter = Counter(loop: loop)
        await withTaskGroup(of: Void.self) { group in
            for lane in 0..<8 {
                group.addTask { for number in 0..<2_000 { await counter.add(lane * 2_000 + number) } }
            }
        }
        #expect(await counter.values.sorted() == Array(0..<16_000))
        let last = Mutex(false)
        loop.submit { last.withLock { $0 = true } }
        await Task.detached { loop.stop() }.value
        #expect(last.withLock { $0 })
    }

    @Test("A job that enqueues the next for ever does not starve timers")
    func noStarvation() async {
        final class Flag: Sendable { let value = Mutex(false) }
        let stop = Flag()
        @Sendable func again() {
            LoopActor.submit { if !stop.value.withLock({ $0 }) { again() } }
        }
        again()
        await Task { @LoopActor in
            await withCheckedContinuation { done in _ = LoopTimer.after(.milliseconds(2)) { done.resume() } }
        }.value
        stop.value.withLock { $0 = true }
    }

    @Test("An idle loop uses no processor time")
    func idle() async throws {
        let loop = try UVLoop(name: "idle-loop")
        func processorTime() async -> Int {
            await withCheckedContinuation { done in
                loop.submit {
                    var time = timespec()
                    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
                    done.resume(returning: time.tv_sec * 1_000_000_000 + time.tv_nsec)
                }
            }
        }
        let before = await processorTime()
        // What is measured is a stretch of time: 100 ms of which a spinning loop would take the better part.
        await Task.detached {
            var none = pollfd()
            _ = poll(&none, 0, 100)
        }.value
        #expect(await processorTime() - before < 10_000_000)
        await Task.detached { loop.stop() }.value
    }
}
