import FunctionJSON
package import Journal

/// Turns resolutions of the delivery core into what the journal is to commit.
package struct ResolutionWriter: Sendable {
    package var clock: HostClock

    package init(clock: HostClock) {
        self.clock = clock
    }

    /// A delivery that ended well: leaves the log or the pending set.
    package func finish(_ work: Work, _ outcome: Settlement.Outcome, into batch: inout Batch) {
        finish(work.delivery, source: work.source, outcome, into: &batch)
    }

    package func finish(
        _ delivery: Delivery, source: Work.Source, _ outcome: Settlement.Outcome, into batch: inout Batch
    ) {
        switch source {
        case .log:
            batch.settlements.append(Settlement(delivery, outcome))
        case .pending(let deadLetter):
            batch.pending.append(.finish(delivery, outcome))
            if let deadLetter, outcome != .dead { batch.deadLetters.append(.setState(id: deadLetter, .redriven)) }
        case .direct:
            break
        }
    }

    /// A delivery that will be tried again.
    package func retry(_ work: Work, due: Instant, from: Work.Source, into batch: inout Batch) {
        if case .log = from { batch.settlements.append(Settlement(work.delivery, .pended)) }
        batch.pending.append(
            .put(
                PendingEntry(
                    delivery: work.delivery, state: .retrying, eventID: work.eventID, ingested: work.ingested,
                    attempts: work.charged, due: clock.persisted(due), history: encode(DeliveryMemo(work)),
                    payload: work.payload, lineage: work.lineage, deadLetter: work.deadLetter)))
    }

    /// A delivery that is given up, with all that is needed to send it again. `before`: the dead letter that
    /// it was redriven from: that has the event as it was, without the marks of a redrive.
    package func dead(
        _ work: Work, _ death: Death, target: String, rule: String, input: [UInt8], before: DeadLetter? = nil,
        into batch: inout Batch
    ) {
        if case .direct = work.source { return }
        let memo = before.flatMap { JSONText.decode(DeliveryMemo.self, from: $0.history) }
        var letter = DeadLetter(
            delivery: work.delivery, target: target, rule: rule, eventID: work.eventID, ingested: work.ingested,
            died: clock.wall, code: death.code, message: death.message, condition: death.condition,
            // Two functions that fail alike are two kinds of failure, also where one of them ran in the other's place.
            fingerprint: Fingerprint.of(
                target: work.note?.function ?? target, code: death.code, message: death.message),
            attempts: work.history.count, history: encode(DeliveryMemo(work, before: memo)),
            payload: before?.payload ?? work.note?.original ?? work.payload, lineage: work.lineage, input: input)
        finish(work.delivery, source: work.source, .dead, into: &batch)
        if let id = work.deadLetter {
            letter.id = id
            batch.deadLetters.append(.update(letter))
        } else {
            batch.deadLetters.append(.insert(letter))
        }
    }

    private func encode(_ memo: DeliveryMemo) -> [UInt8] { JSONText.encode(memo) }
}
