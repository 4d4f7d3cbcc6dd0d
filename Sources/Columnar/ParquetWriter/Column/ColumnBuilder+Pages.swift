import Glibc

extension ColumnBuilder {
    /// Encodes the page under way, compresses it and adds it to the chunk.
    func finishPage(_ workspace: PageWorkspace) throws(ColumnarError) {
        guard pageRowCount > 0 else { return }
        let nulls = pageRowCount - pageValueCount
        workspace.page.count = 0
        if let levels {
            levels.encode(into: &workspace.page)
        } else {
            RunLengthHybrid.encodeLevels(
                validity: validity, count: pageRowCount, hasNulls: nulls > 0, into: &workspace.page)
        }
        var bounds = ValueBounds()
        let encoding: ParquetEncoding
        if pageValueCount == 0 {
            encoding = .plain
        } else if usesDictionary {
            // The same bytes under the name that Parquet 1.0 has for them.
            encoding = options.compatibility == .legacy ? .plainDictionary : .rleDictionary
            encodeIDs(workspace, &bounds)
        } else {
            encoding = try encodeValues(workspace, &bounds)
        }
        if let profiler { profilePage(profiler, bounds) }
        try chunk.addDataPage(
            workspace, rows: levels?.records ?? pageRowCount, values: pageRowCount, nulls: nulls, encoding: encoding,
            bounds: bounds)
        if nulls > 0 { memset(validity, 0xFF, (pageRowCount + 7) / 8) }
        (pageRowCount, pageValueCount, texts.count) = (0, 0, 0)
        levels?.clear()
    }

    private func encodeIDs(_ workspace: PageWorkspace, _ bounds: inout ValueBounds) {
        let count = pageValueCount
        // A width of zero bits, which one value would need, is not understood by every reader.
        let width = max(1, BitPacking.width(UInt64(dictionary.count - 1)))
        workspace.page.append(UInt8(width))
        RunLengthHybrid.encode(numbers, count: count, width: width, into: &workspace.page)
        guard layout != .text else { return addTextBounds(workspace, &bounds) }
        let entries = dictionary.valuePointer
        let values = workspace.numbers(count)
        let ids = numbers
        for index in 0..<count { values[index] = entries[Int(ids[index])] }
        addBounds(values, count, &bounds)
    }

    /// Bounds of the texts whose ids are in the page.
    private func addTextBounds(_ workspace: PageWorkspace, _ bounds: inout ValueBounds) {
        let ids = numbers
        if pageValueCount < dictionary.count / 4 {
            bounds.add(dictionary, ids: ids, count: pageValueCount)
        } else {
            let isThere = workspace.flags(dictionary.count)
            for index in 0..<pageValueCount { isThere[Int(ids[index])] = 1 }
            bounds.add(dictionary, where: isThere)
        }
        chunk.bounds.merge(texts: bounds)
    }

    private func encodeValues(
        _ workspace: PageWorkspace, _ bounds: inout ValueBounds
    ) throws(ColumnarError) -> ParquetEncoding {
        let count = pageValueCount
        let isCurrent = options.compatibility != .legacy
        switch layout {
        case .text:
            bounds.add(texts: texts.base, lengths: numbers, count: count)
            chunk.bounds.merge(texts: bounds)
            if isCurrent, try tryTexts(count, workspace) {
                appendSplitTexts(count, workspace, &workspace.page)
                return .deltaLengthByteArray
            }
            appendPlainTexts(count, &workspace.page)
            return .plain
        case .fixed16:
            bounds.add(fixed16: texts.base, count: count)
            chunk.bounds.merge(fixed16: bounds)
            workspace.page.append(texts.base, texts.count)
            return .plain
        case .boolean:
            let values = pageValues()
            addBounds(values, count, &bounds)
            var index = 0
            while index < count {
                var byte: UInt8 = 0
                for bit in 0..<min(8, count - index) { byte |= UInt8(truncatingIfNeeded: values[index + bit]) << bit }
                workspace.page.append(byte)
                index += 8
            }
            return .plain
        case .int32, .int64:
            let values = pageValues()
            addBounds(values, count, &bounds)
            if isCurrent {
                DeltaBinaryPacked.encode(values, count: count, is32Bit: layout == .int32, into: &workspace.page)
                return .deltaBinaryPacked
            }
            appendPlain(values, count, &workspace.page)
            return .plain
        case .double:
            let values = pageValues()
            addBounds(values, count, &bounds)
            if options.compatibility == .newest, try splitsBytes(values, count, workspace) {
                ByteStreamSplit.encode(values, count: count, into: &workspace.page)
                return .byteStreamSplit
            }
            appendPlain(values, count, &workspace.page)
            return .plain
        }
    }

    /// The first `count` texts of the page: all lengths, then all bytes.
    private func appendSplitTexts(_ count: Int, _ workspace: PageWorkspace, _ buffer: inout RawBuffer) {
        let (lengths, numbers) = (workspace.numbers(count), numbers)
        var size = 0
        for index in 0..<count {
            lengths[index] = Int64(numbers[index])
            size += Int(numbers[index])
        }
        DeltaBinaryPacked.encode(lengths, count: count, is32Bit: true, into: &buffer)
        buffer.append(texts.base, size)
    }

    /// The same, each text behind its length.
    private func appendPlainTexts(_ count: Int, _ buffer: inout RawBuffer) {
        buffer.reserve(texts.count + 4 * count)
        let numbers = numbers
        var position = 0
        for index in 0..<count {
            buffer.append(littleEndian: numbers[index])
            buffer.append(texts.base + position, Int(numbers[index]))
            position += Int(numbers[index])
        }
    }

    /// Whether texts get no larger when their lengths stand apart, and which codec they have: tried on the beginning of
    /// a chunk's first page. Compressors see repeated texts better together with equal lengths; uncompressed,
    /// differences always win.
    private func tryTexts(_ count: Int, _ workspace: PageWorkspace) throws(ColumnarError) -> Bool {
        if let decided = chunk.splitsLengths { return decided }
        let compressor = workspace.compressor
        guard compressor.codec != .uncompressed, count >= 64 else { return true }
        var (sample, size) = (0, 0)
        while sample < count, size < 64 << 10 {
            size += Int(numbers[sample])
            sample += 1
        }
        var (together, apart) = (RawBuffer(capacity: size + 8 * sample), RawBuffer(capacity: size + 8 * sample))
        defer {
            together.free()
            apart.free()
        }
        appendPlainTexts(sample, &together)
        appendSplitTexts(sample, workspace, &apart)
        func trial(_ codec: CompressionCodec) throws(ColumnarError) -> (splits: Bool, size: Int) {
            try compressor.compress(together.bytes, as: codec)
            let plain = compressor.output.count
            try compressor.compress(apart.bytes, as: codec)
            let split = compressor.output.count
            return split <= plain + plain / 50 ? (true, split) : (false, plain)
        }
        var decided = try trial(compressor.codec)
        // A fifth less, also than the bytes as they are, is worth what reading takes longer.
        if let codec = compressor.textCodec {
            let other = try trial(codec)
            let best = min(decided.size, apart.count)
            if other.size < best - best / 5 { (decided, chunk.textCodec) = (other, codec) }
        }
        chunk.splitsLengths = decided.splits
        return decided.splits
    }

    /// Whether doubles get smaller when the bytes of equal rank stand together: tried on the first page of a chunk.
    private func splitsBytes(
        _ values: UnsafePointer<Int64>, _ count: Int, _ workspace: PageWorkspace
    ) throws(ColumnarError) -> Bool {
        if let decided = chunk.splitsBytes { return decided }
        guard workspace.compressor.codec != .uncompressed, count >= 256 else { return false }
        var trial = RawBuffer(capacity: count * 8)
        defer { trial.free() }
        appendPlain(values, count, &trial)
        try workspace.compressor.compress(trial.bytes)
        let plain = workspace.compressor.output.count
        trial.count = 0
        ByteStreamSplit.encode(values, count: count, into: &trial)
        try workspace.compressor.compress(trial.bytes)
        let decided = workspace.compressor.output.count < plain - plain / 20
        chunk.splitsBytes = decided
        return decided
    }

    private func addBounds(_ values: UnsafePointer<Int64>, _ count: Int, _ bounds: inout ValueBounds) {
        if layout == .double {
            bounds.add(doubles: values, count: count)
            chunk.bounds.merge(doubles: bounds)
        } else {
            bounds.add(integers: values, count: count)
            chunk.bounds.merge(integers: bounds)
        }
    }

    private func appendPlain(_ values: UnsafePointer<Int64>, _ count: Int, _ buffer: inout RawBuffer) {
        if layout == .int32 {
            buffer.reserve(count * 4)
            for index in 0..<count { buffer.append(littleEndian: Int32(truncatingIfNeeded: values[index])) }
        } else {
            // Eight bytes each, in the machine's order: Sluice runs on little-endian machines only.
            buffer.append(UnsafeRawPointer(values).assumingMemoryBound(to: UInt8.self), count * 8)
        }
    }

    /// Writes the dictionary page.
    func finishDictionary(_ workspace: PageWorkspace) throws(ColumnarError) {
        let count = dictionary.count
        let isLegacy = options.compatibility == .legacy
        if layout == .text {
            try chunk.setDictionary(dictionary.texts.bytes, count: count, isLegacy: isLegacy, workspace)
        } else {
            workspace.page.count = 0
            appendPlain(dictionary.valuePointer, count, &workspace.page)
            try chunk.setDictionary(workspace.page.bytes, count: count, isLegacy: isLegacy, workspace)
        }
    }
}
