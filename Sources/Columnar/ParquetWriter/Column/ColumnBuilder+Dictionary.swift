import Glibc

extension ColumnBuilder {
    /// Appends rows as ids of the dictionary.
    /// - Returns: the first row that does not fit the type.
    func appendIDs(_ table: FieldTable, from first: Int, count: Int) -> Int? {
        let bytes = table.bytes
        let stride = table.stride
        let quote = UInt8(truncatingIfNeeded: table.quote)
        let hasQuote = table.quote < 256
        let hasSimpleQuotes = table.text.escape == nil && nullTokens.isEmpty
        var starts = table.starts + first * stride
        var ends = table.ends + first * stride
        let last = starts + (count - 1) * stride
        var slots = dictionary.slots
        var mask = dictionary.slotCount &- 1
        var shift = dictionary.shift
        var texts = dictionary.texts.base
        var offsets = dictionary.offsetPointer
        var row = pageRowCount
        var out = numbers + pageValueCount

        for index in 0..<count {
            FieldTable.fetch(bytes, behind: starts, last, stride)
            let start = Int(starts.pointee) &+ 1
            var length = Int(ends.pointee) &- start
            starts += stride
            ends += stride
            var text = bytes + start
            var id = ValueDictionary.nullID
            search: do {
                if length <= 0 { break search }
                var word = loadWord(text)
                var isPlain = true
                if hasQuote && UInt8(truncatingIfNeeded: word) == quote && length >= 2 {
                    isPlain = hasSimpleQuotes && length > 2 && memchr(text + 1, Int32(quote), length - 2) == nil
                    if isPlain {
                        text += 1
                        length -= 2
                        word = loadWord(text)
                    }
                }
                if !isPlain {
                    // Escapes, an empty text, perhaps a null token: the slow way.
                } else if length <= 8 {
                    let key = word & (~0 &>> UInt64(truncatingIfNeeded: 64 &- 8 &* length))
                    let tag = UInt32(truncatingIfNeeded: length) | ValueDictionary.occupied
                    var position = ValueDictionary.shortSlot(key, length, shift)
                    while true {
                        let slot = slots[position]
                        if slot.key == key && slot.tag == tag {
                            id = slot.id
                            break search
                        }
                        if slot.tag == 0 { break }
                        position = (position &+ 1) & mask
                    }
                } else {
                    let key = ValueDictionary.longHash(text, length)
                    let tag = UInt32(truncatingIfNeeded: length) | ValueDictionary.occupied
                    var position = ValueDictionary.longSlot(key, shift)
                    while true {
                        let slot = slots[position]
                        if slot.key == key && slot.tag == tag,
                            ValueDictionary.areEqual(texts + Int(offsets[Int(slot.id)]) + 4, text, length)
                        {
                            id = slot.id
                            break search
                        }
                        if slot.tag == 0 { break }
                        position = (position &+ 1) & mask
                    }
                }
                guard let found = identify(text, length, table.text) else { return first + index }
                id = found
                slots = dictionary.slots
                mask = dictionary.slotCount &- 1
                shift = dictionary.shift
                texts = dictionary.texts.base
                offsets = dictionary.offsetPointer
            }
            if id == ValueDictionary.nullID {
                setNull(row)
            } else {
                out.pointee = id
                out += 1
            }
            row &+= 1
        }
        let total = out - numbers
        chunkValues += total - pageValueCount
        pageValueCount = total
        pageRowCount = row
        return nil
    }

    /// The id of a field that is quoted or new, `nullID` for null; nil where it does not fit the type.
    @inline(never)
    private func identify(_ raw: UnsafePointer<UInt8>, _ rawLength: Int, _ fieldText: FieldText) -> UInt32? {
        var (text, length) = (raw, rawLength)
        var flags: UInt32 = 0
        if fieldText.isQuoted(raw, rawLength) {
            scratch.count = 0
            let inner = fieldText.unquoted(raw, rawLength, scratch: &scratch)
            (text, length) = (inner.start, inner.length)
            if layout == .text {
                if nullTokens.contains(text, length) { flags = ValueDictionary.quotedToken }
            } else if length == 0 || nullTokens.contains(text, length) {
                watch?.isDoubtful = true
                return ValueDictionary.nullID
            }
            if let id = dictionary.find(text, length, flags: flags) { return id }
        } else if nullTokens.contains(text, length) {
            return ValueDictionary.nullID
        }
        var value: Int64 = 0
        if layout != .text {
            guard let parsed = parse(text, length) else { return nil }
            value = parsed
        }
        if let watch {
            if layout != .text {
                watch.enter(text, length, isQuotedNull: false)
            } else if length == 0 || flags != 0 {
                watch.enterTexts(of: dictionary)
                watch.enter(text, length, isQuotedNull: true)
            }
        }
        return dictionary.insert(text, length, flags: flags, value: value)
    }

    // MARK: is it worth it?

    /// Values between two looks: short while the column is new, to see the hopeless early.
    private static let earlyInterval = 512
    private static let interval = 2048
    /// Values from which on the share of new ones tells what is to come: numbers parse as fast as they are looked up,
    /// while a dictionary of texts saves much even when most of the first texts are new.
    private static let numbersSettled = 4096
    private static let textsSettled = 16_384
    private static let maximumDistinct = 1 << 17
    private static let maximumBytes = 1 << 20

    /// Gives the dictionary up where too many values are new.
    func judgeDictionary(_ workspace: PageWorkspace) throws(ColumnarError) {
        let since = chunkValues - lookValues
        let isFull = dictionary.count > Self.maximumDistinct || dictionary.pageBytes > Self.maximumBytes
        let isSettled = chunkValues >= (layout == .text ? Self.textsSettled : Self.numbersSettled)
        guard since >= (isSettled ? Self.interval : Self.earlyInterval) || isFull else { return }
        let fresh = Double(dictionary.count - lookDistinct) / Double(max(1, since))
        // The first look says nothing: everything is new at the beginning.
        let isFirst = lookValues == 0
        (lookValues, lookDistinct) = (chunkValues, dictionary.count)
        looks += 1
        let isHopeless = isSettled ? isWasteful(fresh) : fresh > 0.97 && layout != .text && !isFirst
        guard isFull || isHopeless else { return }
        // A column that is so from its beginning will be so in the next chunk. A full dictionary served for a while.
        if chunk.pageList.isEmpty || (!isFull && chunkValues < 4 * Self.textsSettled) { startsWithDictionary = false }
        if chunk.pageList.isEmpty {
            convertPageToValues()
            dictionary.free()
            watch?.reset()
            dictionary = ValueDictionary(keepsAllTexts: layout == .text)
        } else {
            try finishPage(workspace)
        }
        usesDictionary = false
    }

    /// In a chunk of a single page, which ended before the column had settled, the share of distinct values is known.
    func judgeWholeChunk() {
        guard usesDictionary, chunk.pageList.isEmpty, dictionary.count > 16 else { return }
        guard isWasteful(Double(dictionary.count) / Double(max(1, chunkValues))) else { return }
        convertPageToValues()
        resetDictionary()
        usesDictionary = false
    }

    /// Whether ids and new entries take more room than the values themselves.
    private func isWasteful(_ fresh: Double) -> Bool {
        let idBits = Double(BitPacking.width(UInt64(dictionary.count)))
        switch layout {
        case .text:
            return fresh > 0.8
        case .double, .fixed16, .boolean:
            return idBits + fresh * 64 > 60
        case .int32, .int64:
            let bits = idBits + fresh * (layout == .int32 ? 32 : 64)
            guard options.compatibility != .legacy else { return bits > (layout == .int32 ? 30 : 60) }
            // Differences are never much larger than the values themselves.
            if bits > (layout == .int32 ? 34 : 66) { return true }
            // Few values are new: a dictionary needs no parsing, so differences must be clearly smaller. A column does
            // not change its nature: some looks are enough.
            let sample = min(pageValueCount, 2048)
            guard sample >= 1024, looks <= 16 || fresh > 0.25 else { return false }
            return withUnsafeTemporaryAllocation(of: Int64.self, capacity: sample) { values in
                guard let values = values.baseAddress else { return false }
                let entries = dictionary.valuePointer
                for index in 0..<sample { values[index] = entries[Int(numbers[index])] }
                return DeltaBinaryPacked.estimatedBits(values, count: sample) < bits * 0.8
            }
        }
    }

    /// Replaces the ids of the page under way by their values.
    private func convertPageToValues() {
        let numbers = numbers
        if layout == .text {
            for index in 0..<pageValueCount {
                let text = dictionary.text(numbers[index])
                if let start = text.baseAddress { texts.append(start, text.count) }
                numbers[index] = UInt32(text.count)
            }
            texts.reserve(16)
        } else {
            let values = pageValues()
            let entries = dictionary.valuePointer
            for index in 0..<pageValueCount { values[index] = entries[Int(numbers[index])] }
            freeNumbers()
        }
    }
}
