import EventModel
import FunctionJSON
import FunctionProtocol
package import HostAPI
package import Journal
import ObjectStore

/// What one run in the shadow showed, beside the original run of its event.
package struct ShadowFinding: Sendable {
    package var differences: [ShadowDifference] = []
    package var hasFailed = false
    package var isSuperseded = false

    package init() {}
}

extension ShadowReport {
    package mutating func add(_ finding: ShadowFinding, examples: Int) {
        if finding.isSuperseded { superseded += 1 }
        for difference in finding.differences {
            switch difference.kind {
            case "object": objects.add(difference.change)
            case "delete": deletions.add(difference.change)
            case "event": events.add(difference.change)
            case "register": catalog.add(difference.change)
            default: failures.add(difference.change)
            }
            if let rows = difference.rows {
                self.rows.added += rows.added
                self.rows.removed += rows.removed
                self.rows.changed += rows.changed
            }
            if difference.change != .same { tell(difference, examples: examples) }
        }
    }
}

/// Compares the effects of a run in the shadow with those of the original run, which it finds by the invocation's row.
/// Everything here blocks: for file threads.
package struct ShadowComparer: Sendable {
    let journal: any JournalStore
    let buckets: BucketSet
    let rows = RowDiffProcess()

    package init(journal: any JournalStore, buckets: BucketSet) {
        self.journal = journal
        self.buckets = buckets
    }

    /// - Parameter request: `examples`: how many differences there is room for; with none they are not looked into.
    package func compare(
        _ run: ShadowRun, _ record: StoredRecord, _ path: ReplayRecord.Path, _ request: ReplayRequest
    ) -> ShadowFinding {
        var finding = ShadowFinding()
        func note(
            _ kind: String, _ change: ShadowDifference.Change, _ subject: String, _ note: String?,
            _ content: Content? = nil
        ) {
            var difference = ShadowDifference(
                kind: kind, change: change, subject: subject, note: note, event: record.eventID,
                rule: path.settings.rule, function: path.settings.function)
            switch content {
            case .rows(let rows): difference.rows = rows
            case .lines(let lines): difference.lines = lines
            case nil: break
            }
            finding.differences.append(difference.bounded())
        }
        if run.isSuperseded {
            finding.isSuperseded = true
            return finding
        }
        let original: ShadowOriginal
        do {
            original = try ShadowOriginal(of: record, path, journal)
        } catch {
            note("object", .unknown, "*", "the original run cannot be read: \(error)")
            return finding
        }
        if let failure = run.handlerFailure ?? refusal(of: run, original) {
            finding.hasFailed = true
            let isTriedAgain = FailureClass(code: failure.code, retry: failure.retry).isTriedAgain
            let message = failure.message + (isTriedAgain ? " (would be retried)" : "")
            switch original.failure {
            case nil: note("failure", .added, failure.code, message)
            case let before? where before.code == failure.code: note("failure", .same, failure.code, message)
            case let before?:
                note(
                    "failure", .changed, failure.code,
                    "\(before.code) -> \(failure.code): \(message); it was: \(before.message)")
            }
            return finding
        }
        if let failure = original.failure {
            note("failure", .missing, failure.code, "the original run failed: \(failure.message)")
        }
        compareObjects(run, original, request) { note($0, $1, $2, $3, $4) }
        compareEvents(run, original) { note($0, $1, $2, $3, $4) }
        compareCatalog(run, original) { note($0, $1, $2, $3, $4) }
        return finding
    }

    /// What publishing would have refused first; not a key for being taken that the original run had put: that is by
    /// its own object, or told of the object (`compare`).
    private func refusal(of run: ShadowRun, _ original: ShadowOriginal) -> Failure? {
        let own = Set(original.effects.lazy.filter { $0.kind == "put" }.compactMap { address($0.subject) })
        return run.refusals.taken.first { !own.contains($0.key) }?.failure
            ?? run.refusals.other
    }

    private typealias Note = (
        _ kind: String, _ change: ShadowDifference.Change, _ subject: String, _ note: String?, _ content: Content?
    ) -> Void

    /// How the content of an object differs.
    private enum Content {
        case rows(RowDifference)
        case lines([String])
    }

    /// A dry run hands every event over by itself: what a batch made of many together cannot be compared with what is
    /// made of one.
    private static let batch = "the original run was a batch"

    // MARK: Objects

    private func compareObjects(
        _ run: ShadowRun, _ original: ShadowOriginal, _ request: ReplayRequest,
        _ note: Note
    ) {
        // By their bytes: two spellings of one text are two objects.
        var made: Set<ObjectAddress> = []
        var deleted: Set<ObjectAddress> = []
        for operation in run.operations {
            switch operation {
            case .put(let stage, let to, _):
                let subject = "\(to.bucket)/\(to.key)"
                made.insert(to)
                if original.isBatch {
                    note("object", .unknown, subject, Self.batch, nil)
                    continue
                }
                guard let effect = original.effects.last(where: { $0.kind == "put" && address($0.subject) == to })
                else {
                    note("object", .added, subject, nil, nil)
                    continue
                }
                compare(run.stages[stage], to, effect, request, note)
            case .delete(let what, _):
                let subject = "\(what.bucket)/\(what.key)"
                deleted.insert(what)
                let isSame = original.effects.contains { $0.kind == "delete" && address($0.subject) == what }
                if original.isBatch, !isSame {
                    note("delete", .unknown, subject, Self.batch, nil)
                } else {
                    note("delete", isSame ? .same : .added, subject, nil, nil)
                }
            case .event, .record, .register: continue
            }
        }
        // What a batch made together cannot be told apart by its events.
        guard !original.isBatch else { return }
        for effect in original.effects {
            guard let address = address(effect.subject) else { continue }
            if effect.kind == "put", !made.contains(address) {
                note("object", .missing, effect.subject, effect.note, nil)
            }
            if effect.kind == "delete", !deleted.contains(address) {
                // Deleting what is not there any more asks for nothing.
                let isGone = (try? journal.object(bucket: address.bucket, key: address.key)) == nil
                note("delete", isGone ? .same : .missing, effect.subject, nil, nil)
            }
        }
    }

    private func address(_ subject: String) -> ObjectAddress? {
        // Not by characters: a mark at the beginning of the key is one with the slash.
        let text = subject.utf8
        guard let slash = text.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        return ObjectAddress(
            bucket: String(decoding: text[..<slash], as: UTF8.self),
            key: String(decoding: text[text.index(after: slash)...], as: UTF8.self))
    }

    private func compare(
        _ staged: StagedFile?, _ to: ObjectAddress, _ effect: EffectInfo, _ request: ReplayRequest,
        _ note: Note
    ) {
        let subject = "\(to.bucket)/\(to.key)"
        guard let staged, let bucket = buckets[to.bucket] else {
            return note("object", .unknown, subject, "what was staged is gone", nil)
        }
        guard let known = try? journal.object(bucket: to.bucket, key: to.key) else {
            return note("object", .unknown, subject, "the original's object was deleted since, or has expired", nil)
        }
        guard known.eventID == effect.event else {
            return note(
                "object", .unknown, subject, "the original's object was replaced since, by event \(known.eventID)", nil)
        }
        let (before, after) = ("\(bucket.path)/\(to.key)", "\(bucket.path)/\(staged.path)")
        switch FileComparison.isEqual(before, after) {
        case nil: return note("object", .unknown, subject, "one of the two cannot be read", nil)
        case true: return note("object", .same, subject, nil, nil)
        case false: break
        }
        guard let format = RowDiffProcess.format(of: to.key) else {
            let lines = request.examples > 0 ? TextComparison.lines(before, after) : nil
            return note("object", .changed, subject, lines == nil ? "the bytes differ" : nil, lines.map { .lines($0) })
        }
        switch rows.run(
            before: before, after: after, format: format, keys: request.keys, examples: min(5, request.examples))
        {
        case .success(let rows):
            note(
                "object", rows.isEqual ? .same : .changed, subject,
                rows.isEqual ? "other bytes, the same rows" : nil, rows.isEqual ? nil : .rows(rows))
        case .failure(let problem):
            note(
                "object", .changed, subject, "the bytes differ; the rows could not be compared: \(problem.message)", nil
            )
        }
    }

    // MARK: Events and catalog

    /// Events are compared as a multiset of (bus, source, detail-type, detail): what is left on both sides with the
    /// same bus, source and detail-type has changed, in its order. Records of streams likewise, by stream, partition
    /// key and data.
    private func compareEvents(
        _ run: ShadowRun, _ original: ShadowOriginal,
        _ note: Note
    ) {
        var now = run.operations.compactMap { operation -> ShadowEvent? in
            switch operation {
            case .event(let entry, _): ShadowEvent(entry)
            case .record(let entry, _, _): ShadowEvent(entry)
            case .put, .delete, .register: nil
            }
        }
        guard !original.isBatch else {
            return now.forEach { note("event", .unknown, $0.subject, Self.batch, nil) }
        }
        var before: [ShadowEvent] = []
        for effect in original.effects where effect.kind == "event" || effect.kind == "record" {
            guard let id = effect.event, let record = try? journal.record(eventID: id) else {
                note("event", .unknown, effect.subject, "the original event is no longer in the log", nil)
                continue
            }
            before.append(ShadowEvent(record))
        }
        for event in now {
            guard let index = before.firstIndex(of: event), let own = now.firstIndex(of: event) else { continue }
            before.remove(at: index)
            now.remove(at: own)
            note("event", .same, event.subject, nil, nil)
        }
        for event in now {
            if let index = before.firstIndex(where: { $0.isAbout(event) }) {
                note(
                    "event", .changed, event.subject,
                    "\(Self.half(before[index].detail)) -> \(Self.half(event.detail))", nil)
                before.remove(at: index)
            } else {
                note("event", .added, event.subject, event.detail, nil)
            }
        }
        for event in before { note("event", .missing, event.subject, event.detail, nil) }
    }

    /// Of two texts side by side each has its share of what a note may hold.
    private static func half(_ text: String) -> String {
        ShadowDifference.cut(text, to: ShadowDifference.noteBytes / 2 - 8)
    }

    private func compareCatalog(
        _ run: ShadowRun, _ original: ShadowOriginal,
        _ note: Note
    ) {
        func file(_ note: String?) -> String {
            note.map { String($0.prefix(upTo: $0.utf8.lastIndex(of: UInt8(ascii: ",")) ?? $0.endIndex)) } ?? ""
        }
        guard !original.isBatch else {
            for effect in run.effectList where effect.kind == "register" {
                note("register", .unknown, effect.subject, Self.batch, nil)
            }
            return
        }
        var before = original.effects.filter { $0.kind == "register" }
        for effect in run.effectList where effect.kind == "register" {
            let index = before.firstIndex {
                $0.subject == effect.subject && Array(file($0.note).utf8) == Array(file(effect.note).utf8)
            }
            guard let index else {
                note("register", .added, effect.subject, effect.note, nil)
                continue
            }
            let isSame = before[index].note.map { Array($0.utf8) } == effect.note.map { Array($0.utf8) }
            note(
                "register", isSame ? .same : .changed, effect.subject,
                isSame ? nil : "\(before[index].note ?? "") -> \(effect.note ?? "")", nil)
            before.remove(at: index)
        }
        for effect in before { note("register", .missing, effect.subject, effect.note, nil) }
    }
}
