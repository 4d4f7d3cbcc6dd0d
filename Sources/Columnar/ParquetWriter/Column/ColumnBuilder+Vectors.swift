import Glibc

/// Values of a column that are no texts of fields: read from a Parquet file, and brought to the column's layout.
enum ColumnVector {
    /// Numbers as the column stores them, doubles as bit patterns.
    case numbers([Int64])
    /// Decimals of more than 18 digits.
    case wide([Int128])
    case texts(ParquetBytes)
}

extension ColumnBuilder {
    /// Appends rows of which some are null.
    /// - Parameters:
    ///   - isThere: for each row whether it has a value; empty where all have.
    ///   - vector: the values that are there; its form is that of the column's layout.
    func append(
        _ vector: ColumnVector, rows: Int, isThere: [Bool], _ workspace: PageWorkspace
    ) throws(ColumnarError) {
        var (row, value) = (0, 0)
        while row < rows {
            let count = min(rows - row, pageRows - pageRowCount)
            var present = count
            if !isThere.isEmpty {
                present = 0
                for index in 0..<count {
                    if isThere[row + index] { present += 1 } else { setNull(pageRowCount + index) }
                }
            }
            append(vector, from: value, count: present)
            pageRowCount += count
            pageValueCount += present
            chunkValues += present
            row += count
            value += present
            try finishFullPage(workspace)
        }
    }

    private func append(_ vector: ColumnVector, from first: Int, count: Int) {
        switch vector {
        case .numbers(let source):
            guard usesDictionary else {
                let target = pageValues() + pageValueCount
                for index in 0..<count { target[index] = source[first + index] }
                return
            }
            for index in 0..<count {
                // The eight bytes of the number are its text: keys are exact up to eight bytes.
                var number = source[first + index]
                numbers[pageValueCount + index] = withUnsafeBytes(of: &number) { bytes in
                    guard let text = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return 0 }
                    return dictionary.find(text, 8, flags: 0)
                        ?? dictionary.insert(text, 8, flags: 0, value: source[first + index])
                }
            }
        case .wide(let source):
            for index in first..<first + count {
                texts.append(littleEndian: UInt64(truncatingIfNeeded: source[index] >> 64).byteSwapped)
                texts.append(littleEndian: UInt64(truncatingIfNeeded: source[index]).byteSwapped)
            }
        case .texts(let source):
            source.storage.withUnsafeBufferPointer { storage in
                for index in 0..<count {
                    let span = source.spans[first + index]
                    numbers[pageValueCount + index] = append(text: storage, span)
                }
            }
            if !usesDictionary { texts.reserve(16) }
        }
    }

    /// Appends a text.
    /// - Returns: its id, or its length among plain values.
    private func append(text storage: UnsafeBufferPointer<UInt8>, _ span: ParquetBytes.Span) -> UInt32 {
        guard let base = storage.baseAddress else { return 0 }
        var text = base + span.start
        guard usesDictionary else {
            texts.append(text, span.count)
            return UInt32(truncatingIfNeeded: span.count)
        }
        if span.start + 8 > storage.count {
            // Keys are loaded as whole words, which must not reach beyond the page.
            scratch.count = 0
            scratch.append(text, span.count)
            scratch.reserve(16)
            text = UnsafePointer(scratch.base)
        }
        return dictionary.find(text, span.count, flags: 0)
            ?? dictionary.insert(text, span.count, flags: 0, value: 0)
    }
}
