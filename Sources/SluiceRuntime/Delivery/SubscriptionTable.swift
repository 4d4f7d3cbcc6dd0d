/// The subscriptions of a delivery core, and which of them have something to do: the pump's price goes by those, and
/// not by how many rules are deployed.
///
/// Whatever changes a subscription makes it active; the pump takes those out that nothing can come of until they are
/// changed again.
struct SubscriptionTable: Sendable {
    private var entries: [DeliveryCore.Subscription] = []
    private var isActive: [Bool] = []
    /// Positions in any order.
    private var activated: [Int] = []

    var count: Int { entries.count }
    var indices: Range<Int> { entries.indices }

    subscript(position: Int) -> DeliveryCore.Subscription {
        _read { yield entries[position] }
        _modify {
            activate(position)
            yield &entries[position]
        }
    }

    mutating func append(_ subscription: DeliveryCore.Subscription) {
        entries.append(subscription)
        isActive.append(false)
        activate(entries.count - 1)
    }

    private mutating func activate(_ position: Int) {
        guard !isActive[position] else { return }
        isActive[position] = true
        activated.append(position)
    }

    /// Those that may have something to do, in any order.
    var active: [Int] { activated }

    /// Those that may have something to do, in order. The quiet ones are left out from now on.
    mutating func settle() -> [Int] {
        activated.removeAll { position in
            guard entries[position].isQuiet else { return false }
            isActive[position] = false
            return true
        }
        activated.sort()
        return activated
    }

    var all: [DeliveryCore.Subscription] { entries }
}

extension DeliveryCore.Subscription {
    /// Nothing can start, be read or fall due until something changes here.
    var isQuiet: Bool {
        if case .open = flow { return false }
        return ready.isEmpty && assembling.isEmpty && retrying.isEmpty && !isBehind
            && (hungry.isEmpty || sweep.isAsked) && (leftovers.isEmpty || leftovers.contains(where: \.isAsked))
    }
}
