extension InMemoryJournal {
    package func recover() throws(JournalError) -> RecoveredState {
        read { state in
            RecoveredState(
                boot: state.boot, wasUnclean: state.wasUnclean, ruleSet: state.ledger.ruleSet,
                deployment: state.deployment, subscriptions: Self.progress(state),
                decisions: state.decisions.sorted { $0.value.sequence < $1.value.sequence }.map {
                    ($0.key, $0.value.body)
                },
                head: state.ledger.head, nextSubscription: SubscriptionID(state.ledger.lastSubscription + 1))
        }
    }

    package func progress() throws(JournalError) -> [SubscriptionProgress] {
        try check(.progress)
        return read { Self.progress($0) }
    }

    private static func progress(_ state: borrowing InMemoryState) -> [SubscriptionProgress] {
        let log = state.log
        return state.ledger.cores.sorted { $0.record.id < $1.record.id }.map { core in
            guard core.anchorOrdinal < core.settled.floor else { return core.progress() }
            let floor = Delivery(subscription: core.record.id, position: 0, ordinal: core.settled.floor)
            let exact = log.first {
                $0.deliveries.contains { $0.subscription == floor.subscription && $0.ordinal == floor.ordinal }
            }
            return core.progress(floorPosition: exact?.position)
        }
    }

    package func waiting(
        _ subscription: SubscriptionID, after: Position, limit: Int, bytes: Int
    ) throws(JournalError) -> [CommittedRecord] {
        read { state in
            guard let core = state.ledger.core(subscription), core.waiting > 0 else { return [] }
            var result: [CommittedRecord] = []
            var room = bytes
            let start = max(after, core.anchorPosition, state.trimmed) - state.trimmed
            for record in state.log.dropFirst(Int(start)) {
                guard result.count < limit, room > 0 else { break }
                guard let delivery = record.deliveries.first(where: { $0.subscription == subscription }),
                    !core.settled.contains(delivery.ordinal)
                else { continue }
                room -= record.payload.count
                guard room >= 0 || result.isEmpty else { break }
                result.append(record.wanted(by: [delivery]))
            }
            return result
        }
    }

    package func position(ofRuleSet ruleSet: Int64) throws(JournalError) -> Position? {
        read { $0.deploymentPositions[ruleSet] }
    }

    package func record(at position: Position) throws(JournalError) -> StoredRecord? {
        read { state in
            let index = Int(position - state.trimmed) - 1
            return state.log.indices.contains(index) ? state.log[index] : nil
        }
    }

    package func records(
        log: String?, after: Position, limit: Int, bytes: Int
    ) throws(JournalError) -> [StoredRecord] {
        read { state in
            let rest = state.log.dropFirst(Int(max(0, after - state.trimmed)))
            var found: [StoredRecord] = []
            var space = bytes
            for record in rest where log == nil || record.log == log {
                space -= record.payload.count
                guard found.count < limit, space >= 0 || found.isEmpty else { break }
                found.append(record)
            }
            return found
        }
    }

    package func lastRecords(log: String?, limit: Int) throws(JournalError) -> [StoredRecord] {
        read { state in
            Array(state.log.reversed().lazy.filter { log == nil || $0.log == log }.prefix(limit)).reversed()
        }
    }

    package func record(eventID: String) throws(JournalError) -> StoredRecord? {
        read { $0.log.last { $0.eventID == eventID && !ReplayLog.isReplay($0.log) } }
    }

    package func replays(ofEvent id: String, after: Position) throws(JournalError) -> [StoredRecord] {
        read { $0.log.filter { $0.position > after && $0.eventID == id && ReplayLog.isReplay($0.log) } }
    }

    package func position(ingestedFrom time: Milliseconds) throws(JournalError) -> Position {
        read { state in state.log.first { $0.ingested >= time }?.position ?? state.ledger.head + 1 }
    }

    package func position(ingestedBefore time: Milliseconds) throws(JournalError) -> Position {
        read { state in state.log.last { $0.ingested < time }?.position ?? 0 }
    }

    package func deadLetterCount(_ filter: DeadLetterFilter) throws(JournalError) -> (count: Int, lastID: Int64) {
        read { state in
            let found = state.deadLetters.values.filter(filter.matches).map(\.id)
            return (found.count, found.max() ?? 0)
        }
    }

    package func pending(
        _ subscription: SubscriptionID?, after ordinal: Int64, limit: Int, bytes: Int
    ) throws(JournalError) -> [PendingEntry] {
        read { state in
            let found = state.pending.values.filter {
                (subscription == nil || $0.delivery.subscription == subscription) && $0.delivery.ordinal > ordinal
            }
            let sorted = found.sorted {
                ($0.delivery.subscription.value, $0.delivery.ordinal)
                    < ($1.delivery.subscription.value, $1.delivery.ordinal)
            }
            var page = PageOfBytes<PendingEntry>(bytes)
            for entry in sorted.prefix(limit) {
                guard page.add(entry, bytes: entry.payload.count + entry.history.count) else { break }
            }
            return page.items
        }
    }

    package func deadLetters(_ filter: DeadLetterFilter) throws(JournalError) -> [DeadLetter] {
        try check(.deadLetters(after: filter.afterID))
        return read { state in
            let found = state.deadLetters.values.filter(filter.matches).sorted { $0.id < $1.id }
            var page = PageOfBytes<DeadLetter>(filter.bytes)
            for letter in found.prefix(filter.limit) {
                guard page.add(letter, bytes: letter.payload.count + letter.history.count) else { break }
            }
            return page.items
        }
    }

    package func keptInputs(after id: Int64, limit: Int) throws(JournalError) -> [(id: Int64, input: [UInt8])] {
        read { state in
            let found = state.deadLetters.values.filter {
                $0.id > id && ($0.state == .dead || $0.state == .redriving) && !$0.input.isEmpty
            }
            return found.sorted { $0.id < $1.id }.prefix(limit).map { (id: $0.id, input: $0.input) }
        }
    }

    package func deadLetter(id: Int64) throws(JournalError) -> DeadLetter? {
        try check(.deadLetter(id: id))
        return read { $0.deadLetters[id] }
    }

    package func deadLetterGroups() throws(JournalError) -> [DeadLetterGroup] {
        read { state in
            let dead = state.deadLetters.values.filter { $0.state == .dead }
            let groups = Dictionary(grouping: dead) { InMemoryState.Name($0.target, $0.code, $0.fingerprint) }
            return groups.sorted { $0.key < $1.key }.compactMap { _, letters in
                guard let newest = letters.max(by: { ($0.died, $0.id) < ($1.died, $1.id) }) else { return nil }
                return DeadLetterGroup(
                    target: newest.target, code: newest.code, fingerprint: newest.fingerprint, message: newest.message,
                    newest: newest.id, count: Int64(letters.count), first: letters.map(\.died).min() ?? 0,
                    last: newest.died)
            }
        }
    }

    package func object(bucket: String, key: String) throws(JournalError) -> ObjectRecord? {
        read { $0.objects[.init(bucket, key)] }
    }

    package func objects(
        bucket: String, prefix: String, after: String?, limit: Int
    ) throws(JournalError) -> [ObjectRecord] {
        read { state in
            let found = state.objects.filter { name, _ in
                name.parts[0].elementsEqual(bucket.utf8) && name.parts[1].starts(with: prefix.utf8)
                    && (after.map { InMemoryState.Name(bucket, $0) < name } ?? true)
            }
            return found.sorted { $0.key < $1.key }.prefix(limit).map(\.value)
        }
    }

    package func objectTotals() -> [String: ObjectTotals] {
        read { state in
            state.objects.values.reduce(into: [:]) { $0[$1.bucket, default: .init()].replace(nil, with: $1.size) }
        }
    }

    package func invocations(
        function: String?, before: AttemptID?, limit: Int
    ) throws(JournalError) -> [InvocationRecord] {
        read { state in
            let found = state.invocations.values.filter { record in
                (function == nil || record.function == function)
                    && (before.map { (record.attempt.boot, record.attempt.number) < ($0.boot, $0.number) } ?? true)
            }
            return Array(
                found.sorted { ($0.attempt.boot, $0.attempt.number) > ($1.attempt.boot, $1.attempt.number) }.prefix(
                    limit))
        }
    }

    package func invocation(_ attempt: AttemptID) throws(JournalError) -> InvocationRecord? {
        read { $0.invocations[attempt] }
    }

    package func invocations(eventID: String) throws(JournalError) -> [InvocationRecord] {
        read { state in
            state.invocations.values.filter { $0.eventIDs.contains(eventID) }
                .sorted { ($0.attempt.boot, $0.attempt.number) < ($1.attempt.boot, $1.attempt.number) }
        }
    }

    package func functions() throws(JournalError) -> [FunctionRecord] {
        read { state in state.functions.values.sorted { ($0.name, $0.version) < ($1.name, $1.version) } }
    }

    package func value(name: String) throws(JournalError) -> [UInt8]? { read { $0.values[.init(name)] } }

    package func values(prefix: String) throws(JournalError) -> [(name: String, body: [UInt8])] {
        read { state in
            state.values.filter { $0.key.parts[0].starts(with: prefix.utf8) }.sorted { $0.key < $1.key }
                .map { (state.valueNames[$0.key] ?? "", $0.value) }
        }
    }
}

extension DeadLetterFilter {
    func matches(_ letter: DeadLetter) -> Bool {
        states.contains(letter.state) && letter.id > afterID
            && (subscription.map { $0 == letter.delivery.subscription } ?? true)
            && (ordinal.map { $0 == letter.delivery.ordinal } ?? true)
            && (target.map { $0 == letter.target } ?? true)
            && (fingerprint.map { $0 == letter.fingerprint } ?? true)
            && (code.map { $0 == letter.code } ?? true)
            && (diedFrom.map { $0 <= letter.died } ?? true)
            && (diedBefore.map { letter.died < $0 } ?? true)
    }
}
