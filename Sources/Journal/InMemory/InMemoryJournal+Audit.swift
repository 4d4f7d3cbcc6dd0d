extension InMemoryJournal {
    package func recount() throws(JournalError) -> AuditReport {
        read { state in
            let cores = state.ledger.cores
            var tally = AuditTally(
                cores: cores, head: state.ledger.head, firstOrdinals: state.trimmedMatches.mapValues { $0 + 1 })
            for record in state.log { tally.add(position: record.position, deliveries: record.deliveries) }
            var counts: [SubscriptionID: AuditCounts] = [:]
            for entry in state.pending.values {
                let delivery = entry.delivery
                counts[delivery.subscription, default: AuditCounts()].add(entry.state)
                guard let core = state.ledger.core(delivery.subscription) else {
                    tally.problem(AuditTally.unknown(delivery.subscription, entries: 1))
                    continue
                }
                if !core.settled.contains(delivery.ordinal) { tally.problem(AuditTally.stillWaiting(delivery)) }
            }
            for letter in state.deadLetters.values {
                counts[letter.delivery.subscription, default: AuditCounts()].add(letter.state)
            }
            var report = AuditReport()
            report.findings = tally.findings()
            for core in cores {
                let counted = counts[core.record.id] ?? AuditCounts()
                report.findings += counted.differences(of: AuditCounts(core), core.record.id)
            }
            (report.subscriptions, report.records, report.head) = (cores.count, tally.records, state.ledger.head)
            return report
        }
    }

    /// Nothing: it has no disk.
    package func setMinimumFree(_ bytes: Int64) {}
    package var freeBytesWanted: Int64 { 0 }

    package func trim(settledBelow limit: Milliseconds, upTo end: Position) throws(JournalError) -> TrimReport {
        change { state in
            var report = TrimReport()
            for record in state.log {
                let isSettled = record.deliveries.allSatisfy { delivery in
                    state.ledger.core(delivery.subscription)?.settled.contains(delivery.ordinal) ?? true
                }
                guard record.ingested < limit, record.position <= end, isSettled else { break }
                report.records += 1
                report.bytes += Int64(record.payload.count + record.lineage.count)
                for delivery in record.deliveries { state.trimmedMatches[delivery.subscription, default: 0] += 1 }
            }
            state.log.removeFirst(Int(report.records))
            state.trimmed += report.records
            state.invocations = state.invocations.filter { $0.value.started >= limit }
            return report
        }
    }
}
