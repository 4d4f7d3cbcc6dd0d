import CLinux
import Glibc

/// Cuts JSON text into batches of whole records and takes them apart, in bounded memory.
///
/// The first batch shows the fields and their types, unless a survey of the whole input has. A record that does not fit
/// into a batch makes it grow, up to the limit of the options.
final class JSONBatchReader: RecordReader {
    private let options: ConversionOptions
    /// Nil: a list, or objects one after the other, by the first byte.
    private let form: JSONFraming.Form?
    private var framing = JSONFraming(.lines)
    private let knowledge: JSONKnowledge
    private var isSurveyed: Bool { knowledge.isComplete }
    private var shredder = JSONShredder([], shapes: [], canWiden: [], isComplete: false)

    private(set) var columns: [CSVColumn] = []
    private var types: [ColumnType] = []
    var resolvedTypes: [ColumnType]? { types }
    private(set) var hasNews = false
    private var window: BatchWindow
    var bytesRead: Int64 { window.bytesRead }
    private var reachedEnd: Bool { window.reachedEnd }
    var dialect: CSVDialect { JSONText.dialect }

    private var isStarted = false
    private(set) var nextRow: Int64
    private var nextLine: Int64 = 1

    /// - Parameters:
    ///   - form: nil for a list, or objects one after the other, whichever the first byte shows.
    ///   - knowledge: of the shape of the records; the first batch adds to it where nothing is known.
    ///   - firstRow: number of the first record; those of an archive are counted through.
    init(
        _ source: any ByteSource, form: JSONFraming.Form?, options: ConversionOptions, knowledge: JSONKnowledge,
        firstRow: Int64 = 1
    ) {
        window = BatchWindow(source)
        self.form = form
        self.options = options
        self.knowledge = knowledge
        nextRow = firstRow
    }

    // MARK: reading

    func next(into batch: RecordBatch) throws(ColumnarError) -> Bool {
        if hasNews { return false }
        try fill(batch)
        if !isStarted {
            try start(batch)
            if knowledge.shape == nil {
                var surveyor = JSONSurveyor()
                _ = try survey(batch, &surveyor, isSample: true)
                knowledge.shape = surveyor.root
            }
            try setColumns()
            isStarted = true
        }
        batch.columns = columns.count
        batch.reserveIndex()
        batch.layout = .pairs
        guard batch.start < batch.end else { return try end(batch) }
        while try !index(batch) { try enlarge(batch) }
        window.keepRest(of: batch)
        return true
    }

    /// Looks at everything, and keeps nothing but its shape.
    func survey(_ surveyor: inout JSONSurveyor) throws(ColumnarError) {
        let batch = RecordBatch(capacity: max(256, options.csv.batchBytes))
        while true {
            try fill(batch)
            if !isStarted {
                try start(batch)
                isStarted = true
            }
            guard batch.start < batch.end else { break }
            while try !survey(batch, &surveyor, isSample: false) { try enlarge(batch) }
            batch.rejected.removeAll(keepingCapacity: true)
            window.keepRest(of: batch)
        }
        _ = try end(batch)
    }

    private func fill(_ batch: RecordBatch) throws(ColumnarError) {
        try window.fill(batch, lineEnd: 10)
        batch.lineEnd = 10
        batch.firstRow = nextRow
        batch.firstLine = nextLine
    }

    /// Makes room for a record larger than the batch.
    private func enlarge(_ batch: RecordBatch) throws(ColumnarError) {
        let size = batch.end - batch.start
        guard size < options.csv.maximumRecordBytes else {
            let line = batch.line(at: batch.start)
            throw ColumnarError(
                .limitExceeded,
                "The record that begins on line \(line) is larger than \(options.csv.maximumRecordBytes) bytes. A quote or "
                    + "brace in it may never be closed; otherwise raise maximumRecordBytes.",
                row: nextRow, line: line, byteOffset: batch.inputOffset(batch.start),
                text: batch.excerpt(batch.start..<min(batch.end, batch.start + 200)))
        }
        try window.enlarge(batch, lineEnd: 10)
    }

    /// What is to be said at the end of the input.
    private func end(_ batch: RecordBatch) throws(ColumnarError) -> Bool {
        guard framing.isComplete else {
            let offset = batch.inputOffset(batch.end) - (window.addedLineEnd ? 1 : 0)
            throw ColumnarError(
                .malformedRow,
                "The list of records is cut off: its closing ] is missing after record \(nextRow - 1). Check that the file "
                    + "was written to its end.",
                row: nextRow, line: nextLine, byteOffset: offset)
        }
        return false
    }

    // MARK: the beginning

    private func start(_ batch: RecordBatch) throws(ColumnarError) {
        let bytes = UnsafePointer(batch.base)
        if batch.end - batch.start >= 3, bytes[batch.start] == 0xEF, bytes[batch.start + 1] == 0xBB,
            bytes[batch.start + 2] == 0xBF
        {
            batch.start += 3
        }
        let text = UnsafeBufferPointer(start: bytes + batch.start, count: batch.end - batch.start)
        guard text.contains(where: { $0 > 0x20 }) || !reachedEnd else {
            throw ColumnarError(
                .emptyFile,
                "The file is empty: it has no record. Check what writes it, and that the writing was finished.",
                byteOffset: 0)
        }
        try TextDetection.check(UnsafeBufferPointer(rebasing: text.prefix(64 << 10)))
        let isList = text.first { $0 > 0x20 } == 0x5B
        framing = JSONFraming(form ?? (isList ? .list : .sequence))
        if form == .lines, isList {
            throw ColumnarError(
                .malformedRow,
                "The file begins with [: it is one JSON list and not one object a line. Read it with the format json.",
                row: 1, line: 1, byteOffset: batch.inputOffset(batch.start),
                text: batch.excerpt(batch.start..<batch.end))
        }
    }

    /// Makes columns of the fields of the records.
    private func setColumns() throws(ColumnarError) {
        guard let shape = knowledge.shape else { return }
        var schema: [ColumnSchema] = []
        var shapes: [JSONShape?] = []
        var canWiden: [Bool] = []
        for (index, field) in shape.fields.enumerated() {
            guard !field.name.isEmpty else {
                throw ColumnarError(
                    .emptyColumnName, "A record has a field whose name is empty. Give it a name.",
                    column: field.sourceName)
            }
            let given = options.schema?.first { ColumnName.normalized($0.name) == field.name }
            columns.append(CSVColumn(name: field.name, sourceName: field.sourceName, index: index))
            // A given type is widened only where the survey was made because something did not fit.
            if let given, options.mismatches == .widen, isSurveyed { field.shape.formUnion(given.type) }
            let isOpen = given == nil || (options.mismatches == .widen && isSurveyed)
            let type = isOpen ? field.shape.type() ?? .string : given?.type ?? .string
            types.append(type)
            schema.append(ColumnSchema(name: field.name, type: type))
            shapes.append(isOpen ? field.shape : nil)
            canWiden.append(given == nil || options.mismatches == .widen)
        }
        if columns.isEmpty, options.schema == nil, reachedEnd || isSurveyed {
            throw ColumnarError(
                .emptyFile, "The file has no record with a field, and so no columns. Check what writes it.",
                byteOffset: 0)
        }
        shredder = JSONShredder(schema, shapes: shapes, canWiden: canWiden, isComplete: isSurveyed)
    }

    // MARK: records of a batch

    /// Takes the records of a batch apart.
    /// - Returns: false where the batch holds no complete record and more input may follow.
    private func index(_ batch: RecordBatch) throws(ColumnarError) -> Bool {
        let before = framing
        guard try index(batch, checksUTF8: false) else { return false }
        let count = batch.consumedEnd - batch.start
        guard clinux_has_high(batch.base + batch.start, UInt64(count)) != 0,
            UTF8Validation.firstInvalid(batch.base, from: batch.start, to: batch.consumedEnd) != nil
        else { return true }
        // Some record is not UTF-8: again, record by record.
        framing = before
        return try index(batch, checksUTF8: true)
    }

    private func index(_ batch: RecordBatch, checksUTF8: Bool) throws(ColumnarError) -> Bool {
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
                if error.problem == .conflict, shredder.isConflictNews {
                    hasNews = true
                    break
                }
                if isCutOff(error, limit) { break }
                let problem = self.problem(error, batch, record: start, ordinal: nextRow + records)
                let isMismatch = error.problem == .conflict
                // What is wrong between records leaves no place where the next one could begin.
                guard isInRecord, isMismatch ? options.mismatches == .reject : options.csv.badRecords == .reject else {
                    throw problem
                }
                guard let end = framing.skipRecord(&scanner, from: start, end: limit) else {
                    if reachedEnd { throw problem }
                    break
                }
                reject(batch, problem, start..<end, ordinal: nextRow + records)
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
        shredder.end(batch)
        batch.consumedEnd = consumed
        nextRow += records
        nextLine += Int64(batch.countLines(batch.start, consumed))
        if shredder.hasNews { hasNews = true }
        return true
    }

    /// Looks at the records of a batch.
    /// - Parameter isSample: the same records will be read again; what is wrong with them will be said then.
    /// - Returns: false where the batch holds no complete record and more input may follow.
    private func survey(
        _ batch: RecordBatch, _ surveyor: inout JSONSurveyor, isSample: Bool
    ) throws(ColumnarError) -> Bool {
        try walk(batch, isSample: isSample) { scanner throws(JSONFault) in
            let start = scanner.position
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
                try visit(&scanner)
                try framing.endRecord(&scanner)
            } catch {
                if isCutOff(error, limit) { break }
                let problem = self.problem(error, batch, record: start, ordinal: nextRow + records)
                if error.problem == .tooManyFields { throw problem }
                guard isInRecord, isSample || options.csv.badRecords == .reject,
                    let end = framing.skipRecord(&scanner, from: start, end: limit)
                else {
                    if !isSample, !isInRecord || reachedEnd || options.csv.badRecords != .reject { throw problem }
                    break
                }
                if !isSample { reject(batch, problem, start..<end, ordinal: nextRow + records) }
            }
            records += 1
            consumed = scanner.position
        }
        guard !isSample else { return true }
        guard consumed > batch.start || reachedEnd else { return false }
        self.framing = framing
        batch.consumedEnd = consumed
        nextRow += records
        nextLine += Int64(batch.countLines(batch.start, consumed))
        return true
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

    // MARK: what is wrong

    private func reject(_ batch: RecordBatch, _ problem: ColumnarError, _ range: Range<Int>, ordinal: Int64) {
        batch.rejected.append(
            RejectedRecord(
                code: problem.code, reason: problem.message, row: ordinal, line: problem.line ?? 0,
                byteOffset: batch.inputOffset(range.lowerBound), column: problem.column,
                bytes: Array(UnsafeBufferPointer(start: batch.base + range.lowerBound, count: range.count))))
    }

    private func problem(
        _ fault: JSONFault, _ batch: RecordBatch, record start: Int, ordinal: Int64
    ) -> ColumnarError {
        let line = batch.line(at: start)
        let end = framing.form == .lines ? lineEnd(batch, start) : batch.end
        let text = batch.excerpt(start..<min(end, start + 1000))
        let offset = min(fault.offset, batch.end - (window.addedLineEnd ? 1 : 0))
        let place = "Record \(ordinal) (line \(line))"
        if fault.problem == .conflict, let conflict = shredder.conflict {
            let column = columns[conflict.column].name
            let given = options.schema?.first { ColumnName.normalized($0.name) == column }
            return ColumnarError(
                .schemaMismatch,
                "\(place) has a value at \(conflict.path.joined(separator: ".")) that does not fit: \(conflict.problem). "
                    + "Column \(column) is \(given?.type.description ?? "nested"). Correct the value, or change the "
                    + "column's type.",
                row: ordinal, line: line, byteOffset: batch.inputOffset(offset), column: column, text: text)
        }
        let isCut = reachedEnd && offset >= batch.end - 1
        let near = batch.excerpt(max(start, offset - 20)..<max(start, min(end, offset + 20)))
        let sameColumn = isCut ? nil : sameColumn(fault, batch, start)
        let words = isCut ? "it is cut off" : sameColumn ?? fault.words
        let advice =
            switch fault.problem {
            case .duplicateName where sameColumn != nil: " Rename one of them."
            case .invalidUTF8: " If the file is Latin-1, convert it: iconv -f LATIN1 -t UTF-8."
            case .tooManyFields: " If its names are values, such as ids, make a list of them."
            default: ""
            }
        let code: ColumnarError.Code =
            switch fault.problem {
            case .invalidUTF8: .invalidUTF8
            case .tooManyFields, .tooManyValues: .limitExceeded
            default: .malformedRow
            }
        return ColumnarError(
            code,
            "\(place) is no JSON record: \(words), at byte \(offset - start + 1) of the record, near \(near).\(advice)",
            row: ordinal, line: line, byteOffset: batch.inputOffset(offset), text: text)
    }

    /// What is wrong with a record that has a field twice, where the two names are not the same to the letter.
    private func sameColumn(_ fault: JSONFault, _ batch: RecordBatch, _ start: Int) -> String? {
        guard fault.problem == .duplicateName else { return nil }
        var scanner = JSONScanner(
            bytes: UnsafePointer(batch.base), position: start + 1, endsAtLineFeed: framing.form == .lines)
        var names: [String] = []
        do throws(JSONFault) {
            scanner.skipSpace()
            repeat {
                let name = scanner.position + 1
                _ = try scanner.string()
                let length = scanner.position - 1 - name
                var bytes = [UInt8](repeating: 0, count: max(1, length))
                let count = bytes.withUnsafeMutableBufferPointer { buffer in
                    buffer.baseAddress.map { JSONText.unescape(scanner.bytes + name, length, to: $0) } ?? 0
                }
                names.append(String(decoding: bytes[..<count], as: UTF8.self))
                if name > fault.offset { break }
                try scanner.colon()
                try scanner.skipValue(depth: 2)
            } while try !scanner.endsObject()
        } catch {
            return nil
        }
        guard let second = names.popLast() else { return nil }
        let column = ColumnName.normalized(second)
        guard let first = names.first(where: { ColumnName.normalized($0) == column }), first != second else {
            return nil
        }
        return "the fields \"\(first)\" and \"\(second)\" are both named \"\(column)\" (names are lower-cased, and "
            + "other characters become _)"
    }

    private func lineEnd(_ batch: RecordBatch, _ start: Int) -> Int {
        var end = start
        while end < batch.end, batch.base[end] != 10 { end += 1 }
        return end
    }
}
