/// What is wrong with records, in words.
extension JSONBatchReader {
    func reject(_ batch: RecordBatch, _ problem: ColumnarError, _ range: Range<Int>, ordinal: Int64) {
        batch.rejected.append(
            RejectedRecord(
                code: problem.code, reason: problem.message, row: ordinal, line: problem.line ?? 0,
                byteOffset: batch.inputOffset(range.lowerBound), column: problem.column,
                bytes: Array(UnsafeBufferPointer(start: batch.base + range.lowerBound, count: range.count))))
    }

    func problem(
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
            case .emptyName: " Give it a name."
            case .invalidUTF8: " If the file is Latin-1, convert it: iconv -f LATIN1 -t UTF-8."
            case .tooManyFields: " If its names are values, such as ids, make a list of them."
            default: ""
            }
        let code: ColumnarError.Code =
            switch fault.problem {
            case .invalidUTF8: .invalidUTF8
            case .tooManyFields, .tooManyValues: .limitExceeded
            case .emptyName: .emptyColumnName
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
        let scanner = JSONScanner(
            bytes: UnsafePointer(batch.base), position: start, endsAtLineFeed: framing.form == .lines)
        let names = scanner.names(ofObjectAt: start, upTo: fault.offset) ?? []
        guard let second = names.last.map({ String(decoding: $0, as: UTF8.self) }) else { return nil }
        let column = ColumnName.normalized(second)
        // A nested name that stands twice has no namesake among those of the record.
        let others = names.dropLast().map { String(decoding: $0, as: UTF8.self) }
        guard let first = others.first(where: { ColumnName.normalized($0) == column }), first != second else {
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
