package import UVLoop

/// Serialises outcomes that touch the same object or table, in the order in which they asked. All names of an outcome
/// are taken at once, so there is nothing to deadlock on.
@LoopActor
package final class NameLocks {
    private struct Waiter {
        var names: Set<String>
        var resume: () -> Void
    }

    private var held: Set<String> = []
    private var waiting: [Waiter] = []

    package init() {}

    /// Returns once every name is free and taken.
    package func acquire(_ names: Set<String>) async {
        guard !names.isEmpty else { return }
        // An earlier call for one of these names goes first, even while it still waits for another.
        let blocked = waiting.contains { !$0.names.isDisjoint(with: names) }
        if !blocked, held.isDisjoint(with: names) {
            held.formUnion(names)
            return
        }
        await withCheckedContinuation { continuation in
            waiting.append(Waiter(names: names) { continuation.resume() })
        }
    }

    /// Somebody waits for a name.
    package var isWaitedFor: Bool { !waiting.isEmpty }

    package func release(_ names: Set<String>) {
        guard !names.isEmpty else { return }
        held.subtract(names)
        var claimed: Set<String> = []
        var index = 0
        while index < waiting.count {
            let waiter = waiting[index]
            if held.isDisjoint(with: waiter.names), claimed.isDisjoint(with: waiter.names) {
                held.formUnion(waiter.names)
                waiting.remove(at: index)
                waiter.resume()
            } else {
                claimed.formUnion(waiter.names)
                index += 1
            }
        }
    }
}
