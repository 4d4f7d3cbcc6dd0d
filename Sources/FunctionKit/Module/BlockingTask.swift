import Glibc
import Synchronization

/// Runs an async body from a plain thread and blocks until it is done.
///
/// `Task.immediate` begins on the calling thread, and a body that never suspends ends there too, without a hop. When it
/// does suspend it goes on in the global pool, where its child tasks run in parallel, or on the main actor, and the
/// calling thread waits. No executor preference is given: child tasks would inherit it, and run one after the other.
func runBlocking<Result: Sendable>(_ body: @escaping @Sendable () async -> Result) -> Result {
    let slot = ResultSlot<Result>()
    Task.immediate {
        slot.fill(await body())
    }
    return slot.wait()
}

/// A place for one result, and a thread that waits for it.
///
/// Unchecked: `value` is written once before the semaphore is posted and read once after it was waited for.
private final class ResultSlot<Value: Sendable>: @unchecked Sendable {
    private var value: Value?
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func fill(_ value: Value) {
        self.value = value
        sem_post(semaphore)
    }

    func wait() -> Value {
        while true {
            while sem_wait(semaphore) != 0 && errno == EINTR {}
            if let value { return value }
        }
    }
}
