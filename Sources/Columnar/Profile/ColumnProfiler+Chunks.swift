/// Dictionaries of column chunks.
extension ColumnProfiler {
    /// Takes the entries of the chunk's dictionary with their counts, and the chunk's bounds.
    func finishChunk(
        _ dictionary: borrowing ValueDictionary, _ layout: ColumnLayout, _ type: ColumnType, _ chunk: ValueBounds
    ) {
        mergeBounds(chunk, layout)
        let count = min(usedCounts, dictionary.count)
        if hasHalves { for id in 0..<count { counts[id] &+= counts[countCapacity + id] } }
        let least = leastFrequent(count)
        if layout == .text {
            addTexts(dictionary, count, least)
        } else {
            addNumbers(dictionary, count, layout, type, least)
        }
        // Memory for many goes back: the next chunk may have few.
        counts.deallocate()
        counts = .allocate(capacity: 1)
        (countCapacity, usedCounts, hasHalves) = (0, 0, true)
    }

    private func addTexts(_ dictionary: borrowing ValueDictionary, _ count: Int, _ least: UInt32) {
        for id in 0..<count where counts[id] > 0 {
            let text = dictionary.text(UInt32(id))
            let times = Int64(counts[id])
            guard let base = text.baseAddress else { continue }
            let characters = Characters.count(text)
            lengths.minimum = min(lengths.minimum, characters)
            lengths.maximum = max(lengths.maximum, characters)
            lengths.total += Int64(characters) * times
            lookAt(text, times: times)
            let key = ValueDictionary.key(base, text.count)
            if let sketch {
                DistinctSketch.add(DistinctSketch.hash(base, text.count), to: sketch.registers)
                addCandidate(counts[id] >= least) { tally.add(base, text.count, key: key, times: times) }
            } else {
                tally.add(base, text.count, key: key, times: times)
                if isFull { beginSketch(numbers: false) }
            }
        }
    }

    private func addNumbers(
        _ dictionary: borrowing ValueDictionary, _ count: Int, _ layout: ColumnLayout, _ type: ColumnType,
        _ least: UInt32
    ) {
        let isDouble = layout == .double
        let values = dictionary.valuePointer
        if type.isNumber {
            moments.add(count: count) {
                isDouble ? Double(bitPattern: UInt64(bitPattern: values[$0])) : Double(values[$0])
            } times: {
                Int64(counts[$0])
            }
        }
        // Without the sketch itself at hand, which would be retained for each entry.
        var registers = sketch?.registers
        for id in 0..<count where counts[id] > 0 {
            let value = isDouble ? Self.canonical(values[id]) : values[id]
            let times = Int64(counts[id])
            if type.isWhole { lookAt(number: value, times: times) }
            if let registers {
                DistinctSketch.add(DistinctSketch.hash(value), to: registers)
                addCandidate(counts[id] >= least) { tally.add(value, times: times) }
            } else {
                tally.add(value, times: times)
                if isFull {
                    beginSketch(numbers: true)
                    registers = sketch?.registers
                }
            }
        }
    }

    /// How often an entry of a dictionary must have come to be among the most frequent: so that not too many are, as
    /// powers of two tell.
    private func leastFrequent(_ count: Int) -> UInt32 {
        var entries = [Int](repeating: 0, count: 33)
        for id in 0..<count { entries[32 - counts[id].leadingZeroBitCount] += 1 }
        var (bits, total) = (32, 0)
        while bits > 5, total + entries[bits] <= Self.mostCandidates / 4 {
            total += entries[bits]
            bits -= 1
        }
        return max(UInt32(Self.sampleStep), bits >= 32 ? .max : 1 << UInt32(bits))
    }

    private func mergeBounds(_ chunk: ValueBounds, _ layout: ColumnLayout) {
        switch layout {
        case .text: bounds.merge(texts: chunk)
        case .fixed16: bounds.merge(fixed16: chunk)
        case .double: bounds.merge(doubles: chunk)
        default: bounds.merge(integers: chunk)
        }
    }
}
