extension InMemoryJournal {
    package func audit() throws(JournalError) -> [String] {
        read { state in
            var tally = AuditTally(ledger: state.ledger, firstOrdinals: state.trimmedMatches.mapValues { $0 + 1 })
            for record in state.log { tally.add(position: record.position, deliveries: record.deliveries) }
            for entry in state.pending.values { tally.addPending(entry.delivery, entry.state) }
            for letter in state.deadLetters.values {
                tally.addDeadLetter(letter.delivery.subscription, letter.state, count: 1)
            }
            return tally.findings()
        }
    }

    /// Nothing: it has no disk.
    package func setMinimumFree(_ bytes: Int64) {}

    package func trim(settledBelow limit: Milliseconds) throws(JournalError) -> TrimReport {
        change { state in
            var report = TrimReport()
            for record in state.log {
                let isSettled = record.deliveries.allSatisfy { delivery in
                    state.ledger.core(delivery.subscription)?.settled.contains(delivery.ordinal) ?? true
                }
                guard record.ingested < limit, isSettled else { break }
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
