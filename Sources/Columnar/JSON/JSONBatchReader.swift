/// Cuts JSON text into batches of whole records and takes them apart, in bounded memory.
///
/// The first batch shows the fields and their types, unless a survey of the whole input has. A record that does not fit
/// into a batch makes it grow, up to the limit of the options.
final class JSONBatchReader: RecordReader {
    let options: ConversionOptions
    /// Nil: a list, or objects one after the other, by the first byte.
    private let form: JSONFraming.Form?
    var framing = JSONFraming(.lines)
    let knowledge: JSONKnowledge
    private var isSurveyed: Bool { knowledge.isComplete }
    var shredder = JSONShredder([], shapes: [], canWiden: [], isComplete: false)

    var columns: [CSVColumn] = []
    private var types: [ColumnType] = []
    var resolvedTypes: [ColumnType]? { types }
    var hasNews = false
    /// Columns that only the given schema has so far.
    private var givenColumns: Range<Int> = 0..<0
    var unseenColumns: Set<Int> { Set(givenColumns.filter { !shredder.hasSeen($0) }) }
    var window: BatchWindow
    var bytesRead: Int64 { window.bytesRead }
    var reachedEnd: Bool { window.reachedEnd }
    var dialect: CSVDialect { JSONText.dialect }

    var isStarted = false
    /// Whether some record cannot be taken as it stands and may be left out: from then on each is known to be
    /// well-formed before it is taken apart.
    var isCareful = false
    var nextRow: Int64
    var nextLine: Int64 = 1

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
                knowledge.shape = try sample(batch)
            }
            try setColumns()
            isStarted = true
            if columns.isEmpty, options.schema == nil, reachedEnd || isSurveyed { throw try nothing(batch) }
        }
        batch.columns = columns.count
        batch.reserveIndex()
        batch.layout = .pairs
        guard batch.start < batch.end else { return try end(batch) }
        while try !index(batch) { try enlarge(batch) }
        window.keepRest(of: batch)
        return true
    }

    /// The shape of the first records. The window grows until it has one with a field: rules, masks and processors need
    /// to know the columns.
    private func sample(_ batch: RecordBatch) throws(ColumnarError) -> JSONShape {
        while true {
            var surveyor = JSONSurveyor()
            _ = try survey(batch, &surveyor, isSample: true)
            guard surveyor.root.fields.isEmpty, !reachedEnd,
                batch.end - batch.start < options.csv.maximumRecordBytes
            else { return surveyor.root }
            try enlarge(batch)
        }
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

    func fill(_ batch: RecordBatch) throws(ColumnarError) {
        try window.fill(batch, lineEnd: 10)
        batch.lineEnd = 10
        batch.firstRow = nextRow
        batch.firstLine = nextLine
    }

    /// Makes room for a record larger than the batch.
    func enlarge(_ batch: RecordBatch) throws(ColumnarError) {
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
    func end(_ batch: RecordBatch) throws(ColumnarError) -> Bool {
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

    func start(_ batch: RecordBatch) throws(ColumnarError) {
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

    /// Why there are no columns: the first record is none, or has no field.
    private func nothing(_ batch: RecordBatch) throws(ColumnarError) -> ColumnarError {
        batch.columns = 0
        batch.reserveIndex()
        batch.layout = .pairs
        if options.csv.badRecords != .reject, batch.start < batch.end { _ = try index(batch) }
        return ColumnarError(
            .emptyFile, "The file has no record with a field, and so no columns. Check what writes it.", byteOffset: 0)
    }

    /// Makes columns of the fields of the records.
    private func setColumns() throws(ColumnarError) {
        guard let shape = knowledge.shape else { return }
        var schema: [ColumnSchema] = []
        var shapes: [JSONShape?] = []
        var canWiden: [Bool] = []
        for (index, field) in shape.fields.enumerated() {
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
        // A field that may be missing is a column for rules and masks all the same.
        let found = columns.count
        for given in options.schema ?? [] {
            let name = ColumnName.normalized(given.name)
            guard !name.isEmpty, !columns.contains(where: { $0.name == name }) else { continue }
            columns.append(CSVColumn(name: name, sourceName: given.name, index: columns.count))
            types.append(given.type)
            schema.append(ColumnSchema(name: name, type: given.type))
            shapes.append(nil)
            canWiden.append(options.mismatches == .widen)
        }
        givenColumns = found..<columns.count
        shredder = JSONShredder(schema, shapes: shapes, canWiden: canWiden, isComplete: isSurveyed)
    }
}
