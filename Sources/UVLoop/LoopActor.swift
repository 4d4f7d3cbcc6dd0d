/// The control plane's actor domain: everything isolated to it runs on the thread of `UVLoop.shared`, one thing at a
/// time, between the loop's own callbacks. Nothing here may block or touch the disk.
@globalActor
package actor LoopActor {
    package static let shared = LoopActor()

    package nonisolated var unownedExecutor: UnownedSerialExecutor { UVLoop.shared.asUnownedSerialExecutor() }

    /// Runs `body` at once, as isolated. Only for code that is known to be on the loop's thread, such as a callback of
    /// libuv; elsewhere it traps.
    package static nonisolated func assumeIsolated<T>(_ body: @LoopActor () throws -> T) rethrows -> T {
        UVLoop.shared.checkIsolated()
        return try withoutActuallyEscaping(body) { isolated in
            // As MainActor.assumeIsolated does it: a synchronous function type has the same representation with and
            // without its isolation, and the check above proved the isolation.
            try unsafeBitCast(isolated, to: (() throws -> T).self)()
        }
    }

    /// Runs `body` on the loop as soon as it gets there, after what was submitted before. From any thread; cheaper than
    /// a task (no allocation of one), and in order.
    package static nonisolated func submit(_ body: @escaping @LoopActor @Sendable () -> Void) {
        UVLoop.shared.submit { assumeIsolated(body) }
    }
}
