import CLinux
import Glibc

/// The records of a batch.
extension JSONBatchReader {
    /// Takes the records of a batch apart.
    /// - Returns: false where the batch holds no complete record and more input may follow.
    func index(_ batch: RecordBatch) throws(ColumnarError) -> Bool {
        let before = (framing, nextRow, nextLine)
        let skips = knowledge.skipped?.cursor
        guard try takeApart(batch, checksUTF8: false) else { return false }
        let count = batch.consumedEnd - batch.start
        guard clinux_has_high(batch.base + batch.start, UInt64(count)) != 0,
            UTF8Validation.firstInvalid(batch.base, from: batch.start, to: batch.consumedEnd) != nil
        else { return true }
        // Some record is not UTF-8: again, record by record.
        (framing, nextRow, nextLine) = before
        if let skips { knowledge.skipped?.cursor = skips }
        return try takeApart(batch, checksUTF8: true)
    }

    private func takeApart(_ batch: RecordBatch, checksUTF8: Bool) throws(ColumnarError) -> Bool {
        if let isDone = try index(batch, checksUTF8: checksUTF8) { return isDone }
        return try index(batch, checksUTF8: checksUTF8) ?? false
    }

    /// - Returns: nil where it has to be done again, now that `isCareful` is set.
    private func index(_ batch: RecordBatch, checksUTF8: Bool) throws(ColumnarError) -> Bool? {
        guard let limit = windowEnd(batch) else { return false }
        shredder.begin(batch)
        batch.rows = 0
        batch.ordinals.removeAll(keepingCapacity: true)
        batch.rejected.removeAll(keepingCapacity: true)
        hasNews = false
        let bytes = UnsafePointer(batch.base)
        let stride = batch.stride
        var extents: [UInt32] = []
        swap(&extents, &batch.extents)
        defer { swap(&extents, &batch.extents) }
        extents.removeAll(keepingCapacity: true)
        let mostRows = batch.indexCapacity / max(1, stride)
        var scanner = framing.scanner(bytes, at: batch.start)
        var framing = framing
        var records: Int64 = 0
        var leftOut = false
        var consumed = batch.start
        var slots = batch.index
        var skips = knowledge.skipped?.cursor
        while batch.rows < mostRows, shredder.nestedCount < JSONShredder.batchValues {
            var start = scanner.position
            var isInRecord = false
            do throws(JSONFault) {
                guard try framing.findRecord(&scanner, end: limit) else {
                    consumed = limit
                    break
                }
                start = scanner.position
                consumed = start
                isInRecord = true
                if isSkipped(nextRow + records, &skips) { throw JSONFault(.skipped, at: start) }
                if isCareful { try check(scanner, framing) }
                memset(slots, 0, stride * 4)
                try shredder.record(&scanner, slots)
                let end = scanner.position
                if checksUTF8, let invalid = UTF8Validation.firstInvalid(bytes, from: start, to: end) {
                    throw JSONFault(.invalidUTF8, at: invalid)
                }
                try framing.endRecord(&scanner)
                extents.append(UInt32(truncatingIfNeeded: start))
                extents.append(UInt32(truncatingIfNeeded: end))
            } catch {
                shredder.discard(toRecords: batch.rows)
                let isSkipped = error.problem == .skipped
                if !isSkipped, !isCareful, options.csv.badRecords == .reject, !isCutOff(error, limit) {
                    isCareful = true
                    return nil
                }
                if error.problem == .conflict, shredder.isConflictNews {
                    hasNews = true
                    break
                }
                if isCutOff(error, limit) {
                    // The values before the cut count only if the record turns out well-formed, which shows later.
                    if !isCareful, options.csv.badRecords == .reject, shredder.hasNews {
                        isCareful = true
                        return nil
                    }
                    break
                }
                // Of what is skipped, nothing has to be said.
                let problem = isSkipped ? nil : self.problem(error, batch, record: start, ordinal: nextRow + records)
                let isMismatch = error.problem == .conflict
                // What is wrong between records leaves no place where the next one could begin.
                let mayReject = isMismatch ? options.mismatches == .reject : options.csv.badRecords == .reject
                if let problem, !isInRecord || !mayReject { throw problem }
                guard let end = framing.skipRecord(&scanner, from: start, end: limit) else {
                    if reachedEnd {
                        throw problem ?? self.problem(error, batch, record: start, ordinal: nextRow + records)
                    }
                    break
                }
                if let problem { reject(batch, problem, start..<end, ordinal: nextRow + records) }
                if !leftOut { batch.ordinals = (0..<batch.rows).map { nextRow + Int64($0) } }
                leftOut = true
                records += 1
                consumed = scanner.position
                continue
            }
            if leftOut { batch.ordinals.append(nextRow + records) }
            records += 1
            batch.rows &+= 1
            slots += stride
            consumed = scanner.position
        }
        guard consumed > batch.start || reachedEnd || hasNews else { return false }
        self.framing = framing
        if let skips { knowledge.skipped?.cursor = skips }
        shredder.end(batch)
        batch.consumedEnd = consumed
        nextRow += records
        nextLine += Int64(batch.countLines(batch.start, consumed))
        if shredder.hasNews { hasNews = true }
        return true
    }

    /// Whether the record on which the scanner stands is well-formed: one that is not is left out, and has no say in
    /// fields and types.
    private func check(_ scanner: JSONScanner, _ framing: JSONFraming) throws(JSONFault) {
        var (probe, framing) = (scanner, framing)
        try probe.skipValue(depth: 1)
        try framing.endRecord(&probe)
    }

    /// Looks at the records of a batch.
    /// - Parameter isSample: the same records will be read again; what is wrong with them will be said then.
    /// - Returns: false where the batch holds no complete record and more input may follow.
    func survey(
        _ batch: RecordBatch, _ surveyor: inout JSONSurveyor, isSample: Bool
    ) throws(ColumnarError) -> Bool {
        try walk(batch, isSample: isSample) { scanner throws(JSONFault) in
            let start = scanner.position
            if options.csv.badRecords == .reject { try check(scanner, framing) }
            guard try surveyor.look(&scanner) else { throw JSONFault(.tooManyFields, at: start) }
        }
    }

    /// Calls `body` for each record, with where it lies in the batch.
    /// - Parameter rejected: takes records that are left out by policy.
    func forEachRecord(
        rejected: ([RejectedRecord]) throws(ColumnarError) -> Void,
        _ body: (RecordBatch, Range<Int>, _ ordinal: Int64) throws(ColumnarError) -> Void
    ) throws(ColumnarError) {
        let batch = RecordBatch(capacity: max(256, options.csv.batchBytes))
        var ranges: [(range: Range<Int>, ordinal: Int64)] = []
        while true {
            try fill(batch)
            if !isStarted {
                try start(batch)
                isStarted = true
            }
            guard batch.start < batch.end else { break }
            repeat {
                ranges.removeAll(keepingCapacity: true)
                batch.rejected.removeAll(keepingCapacity: true)
                let isDone = try walk(batch, isSample: false) { scanner throws(JSONFault) in
                    let start = scanner.position
                    guard scanner.byte == 0x7B else { throw JSONFault(.expectedObject, at: start) }
                    try scanner.skipValue(depth: 1)
                    if let invalid = UTF8Validation.firstInvalid(scanner.bytes, from: start, to: scanner.position) {
                        throw JSONFault(.invalidUTF8, at: invalid)
                    }
                    ranges.append((start..<scanner.position, Int64(ranges.count + batch.rejected.count)))
                }
                if isDone { break }
                try enlarge(batch)
            } while true
            try rejected(batch.rejected)
            for (range, ordinal) in ranges { try body(batch, range, batch.firstRow + ordinal) }
            window.keepRest(of: batch)
        }
        _ = try end(batch)
    }

    /// Visits the records of a batch.
    private func walk(
        _ batch: RecordBatch, isSample: Bool, _ visit: (inout JSONScanner) throws(JSONFault) -> Void
    ) throws(ColumnarError) -> Bool {
        guard let limit = windowEnd(batch) else { return false }
        var scanner = framing.scanner(UnsafePointer(batch.base), at: batch.start)
        var framing = framing
        var records: Int64 = 0
        var consumed = batch.start
        var skips = knowledge.skipped?.cursor
        while true {
            var start = scanner.position
            var isInRecord = false
            do throws(JSONFault) {
                guard try framing.findRecord(&scanner, end: limit) else {
                    consumed = limit
                    break
                }
                start = scanner.position
                consumed = start
                isInRecord = true
                if isSkipped(nextRow + records, &skips) { throw JSONFault(.skipped, at: start) }
                try visit(&scanner)
                try framing.endRecord(&scanner)
            } catch {
                if isCutOff(error, limit) { break }
                let isSkipped = error.problem == .skipped
                let problem = isSkipped ? nil : self.problem(error, batch, record: start, ordinal: nextRow + records)
                if let problem, error.problem == .tooManyFields { throw problem }
                guard isInRecord, isSample || isSkipped || options.csv.badRecords == .reject,
                    let end = framing.skipRecord(&scanner, from: start, end: limit)
                else {
                    if !isSample, !isInRecord || reachedEnd || (!isSkipped && options.csv.badRecords != .reject) {
                        throw problem ?? self.problem(error, batch, record: start, ordinal: nextRow + records)
                    }
                    break
                }
                if let problem, !isSample { reject(batch, problem, start..<end, ordinal: nextRow + records) }
            }
            records += 1
            consumed = scanner.position
        }
        guard !isSample else { return true }
        guard consumed > batch.start || reachedEnd else { return false }
        self.framing = framing
        if let skips { knowledge.skipped?.cursor = skips }
        batch.consumedEnd = consumed
        nextRow += records
        nextLine += Int64(batch.countLines(batch.start, consumed))
        return true
    }

    @inline(__always)
    private func isSkipped(_ ordinal: Int64, _ skips: inout SkippedRecords.Cursor?) -> Bool {
        guard var cursor = skips, let skipped = knowledge.skipped else { return false }
        defer { skips = cursor }
        return skipped.contains(ordinal, &cursor)
    }

    /// The offset up to which records can be complete; nil where there is none and more input may follow.
    private func windowEnd(_ batch: RecordBatch) -> Int? {
        guard framing.form == .lines, !reachedEnd else { return batch.end }
        var end = batch.end
        while end > batch.start, batch.base[end - 1] != 10 { end -= 1 }
        return end > batch.start ? end : nil
    }

    /// Whether a fault only shows that the window ends within a record.
    private func isCutOff(_ fault: JSONFault, _ limit: Int) -> Bool {
        framing.form != .lines && !reachedEnd && fault.offset >= limit
    }
}
