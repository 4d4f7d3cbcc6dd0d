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

    /// Takes them if every name is free and nobody waits for one; false if not.
    package func acquiredNow(_ names: Set<String>) -> Bool {
        guard held.isDisjoint(with: names), waiting.allSatisfy({ $0.names.isDisjoint(with: names) }) else {
            return false
        }
        held.formUnion(names)
        return true
    }

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
