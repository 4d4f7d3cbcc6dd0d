import CLinux
import Glibc

/// Values of pages as they are built.
extension ColumnProfiler {
    func addRows(_ count: Int, nulls: Int) {
        rows += Int64(count)
        self.nulls += Int64(nulls)
        values += Int64(count - nulls)
    }

    /// Ids of the dictionary, which has `distinct` entries so far.
    func observe(ids: UnsafePointer<UInt32>, count: Int, distinct: Int) {
        reserveCounts(distinct)
        let even = counts
        let odd = hasHalves ? counts + countCapacity : counts
        var index = 0
        while index &+ 1 < count {
            even[Int(ids[index])] &+= 1
            odd[Int(ids[index &+ 1])] &+= 1
            index &+= 2
        }
        if index < count { even[Int(ids[index])] &+= 1 }
    }

    private func reserveCounts(_ distinct: Int) {
        usedCounts = max(usedCounts, distinct)
        guard distinct > countCapacity else { return }
        let staysHalved = distinct <= Self.mostHalved
        let capacity = staysHalved ? max(128, min(Self.mostHalved, distinct * 2)) : distinct + distinct / 4
        let size = staysHalved ? 2 * capacity : capacity
        let larger = UnsafeMutablePointer<UInt32>.allocate(capacity: size)
        memset(larger, 0, 4 * size)
        memcpy(larger, counts, 4 * countCapacity)
        if hasHalves {
            let second = staysHalved ? capacity : 0
            for index in 0..<countCapacity { larger[second + index] &+= counts[countCapacity + index] }
        }
        counts.deallocate()
        (counts, countCapacity, hasHalves) = (larger, capacity, staysHalved)
    }

    /// Numbers as 64 bits.
    /// - Parameter bounds: of these numbers.
    func observe(
        numbers: UnsafePointer<Int64>, count: Int, isDouble: Bool, isNumber: Bool, isWhole: Bool,
        _ bounds: ValueBounds
    ) {
        if isNumber { addMoments(numbers, count, isDouble: isDouble) }
        defer {
            if isWhole { look(count) { lookAt(number: numbers[$0], times: $1) } }
        }
        if !isDouble, sketch == nil, countEach(numbers, count, bounds) { return }
        var index = 0
        if sketch == nil { reserveTally(count, bytes: Self.numberBytes * count) }
        while sketch == nil, index < count {
            tally.add(isDouble ? Self.canonical(numbers[index]) : numbers[index], times: 1)
            index += 1
            if isFull { beginSketch(numbers: true) }
        }
        if let sketch {
            sketch.warmUp()
            sketch.add(numbers + index, count: count - index, areDoubles: isDouble)
            // Of many columns each finds what it sampled before gone from the near caches: it is fetched together,
            // since one look at a time would wait for each.
            forSample(from: index, to: count) {
                fetchSample(isDouble ? Self.canonical(numbers[$0]) : numbers[$0])
            }
            sample(from: index, to: count) { position in
                let number = isDouble ? Self.canonical(numbers[position]) : numbers[position]
                tally.withText(of: number) {
                    addSample($0, 8, key: UInt64(bitPattern: number), DistinctSketch.hash(number))
                }
            }
        }
    }

    /// Counts whole numbers that lie close together, so that each needs no search.
    /// - Returns: false where they do not.
    private func countEach(_ numbers: UnsafePointer<Int64>, _ count: Int, _ bounds: ValueBounds) -> Bool {
        guard !bounds.isEmpty else { return false }
        let (range, overflow) = bounds.greatest.subtractingReportingOverflow(bounds.least)
        guard !overflow, range < min(4096, count / 2) else { return false }
        let (least, size) = (bounds.least, Int(range) + 1)
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: size) { counts in
            guard let counts = counts.baseAddress else { return }
            memset(counts, 0, 4 * size)
            for index in 0..<count { counts[Int(truncatingIfNeeded: numbers[index] &- least)] &+= 1 }
            for index in 0..<size where counts[index] > 0 {
                let value = least + Int64(index)
                if let sketch {
                    DistinctSketch.add(DistinctSketch.hash(value), to: sketch.registers)
                    addCandidate(counts[index] >= UInt32(Self.sampleStep)) {
                        tally.add(value, times: Int64(counts[index]))
                    }
                } else {
                    tally.add(value, times: Int64(counts[index]))
                    if isFull { beginSketch(numbers: true) }
                }
            }
        }
        return true
    }

    /// Texts one after the other, with readable bytes behind.
    func observe(texts: UnsafePointer<UInt8>, bytes: Int, lengths textLengths: UnsafePointer<UInt32>, count: Int) {
        if let sketch, looked >= Self.fullLookValues { return sample(texts, bytes, textLengths, count, sketch) }
        addLengths(texts, bytes, textLengths, count)
        if sketch == nil { reserveTally(count, bytes: bytes) }
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2 * Self.blockSize) { memory in
            guard let keys = memory.baseAddress else { return }
            let offsets = keys + Self.blockSize
            var (first, position) = (0, 0)
            while first < count {
                let size = min(Self.blockSize, count &- first)
                let lengths = textLengths + first
                for index in 0..<size {
                    let length = Int(lengths[index])
                    offsets[index] = UInt64(truncatingIfNeeded: position)
                    keys[index] = ValueDictionary.key(texts + position, length)
                    position &+= length
                }
                observe(TextBlock(texts: texts, offsets: offsets, lengths: lengths, keys: keys, count: size))
                first &+= size
            }
        }
    }

    /// The same where most values are but hashed: all that is wanted in one pass, since the texts of a page are too
    /// many for the near caches.
    private func sample(
        _ texts: UnsafePointer<UInt8>, _ bytes: Int, _ textLengths: UnsafePointer<UInt32>, _ count: Int,
        _ sketch: DistinctSketch
    ) {
        var seen = clinux_texts_seen(least: .max, greatest: 0, are_ascii: true, hash: 0)
        var (index, next) = (0, sampleOffset)
        var text = texts
        while true {
            // Up to the next of the sample, and with it.
            let end = min(count, next &+ 1)
            if index < end {
                text = clinux_sketch_texts(text, textLengths + index, end &- index, sketch.registers, &seen)
                index = end
            }
            guard next < count else { break }
            let length = Int(textLengths[next])
            let sampled = text - length
            addSample(sampled, length, key: ValueDictionary.key(sampled, length), seen.hash)
            lookAt(
                UnsafeBufferPointer(start: sampled, count: length), times: Int64(min(Self.sampleStep, count &- next)))
            next &+= Self.sampleStep
        }
        endSample(next - count)
        guard seen.are_ascii else { return addLengths(texts, bytes, textLengths, count) }
        lengths.minimum = min(lengths.minimum, Int(seen.least))
        lengths.maximum = max(lengths.maximum, Int(seen.greatest))
        lengths.total += Int64(bytes)
    }

    private static let blockSize = 256

    /// Some texts with their hashes, which are needed up to four times.
    private struct TextBlock {
        let texts: UnsafePointer<UInt8>
        let offsets: UnsafePointer<UInt64>
        let lengths: UnsafePointer<UInt32>
        /// By `ValueDictionary.key`.
        let keys: UnsafePointer<UInt64>
        let count: Int

        @inline(__always)
        func text(_ index: Int) -> UnsafePointer<UInt8> { texts + Int(truncatingIfNeeded: offsets[index]) }
    }

    private func observe(_ block: TextBlock) {
        var start = 0
        while sketch == nil, start < block.count {
            tally.add(block.text(start), Int(block.lengths[start]), key: block.keys[start], times: 1)
            start &+= 1
            if isFull { beginSketch(numbers: false) }
        }
        if let sketch {
            let registers = sketch.registers
            for index in start..<block.count {
                DistinctSketch.add(
                    DistinctSketch.hash(block.text(index), Int(block.lengths[index])), to: registers)
            }
            sample(from: start, to: block.count) { index in
                let length = Int(block.lengths[index])
                addSample(
                    block.text(index), length, key: block.keys[index],
                    DistinctSketch.hash(block.text(index), length))
            }
        }
        look(block.count) { index, times in
            lookAt(
                UnsafeBufferPointer(start: block.text(index), count: Int(block.lengths[index])), times: times)
        }
    }

    /// Booleans, all as 64 bits.
    func observe(booleans: UnsafePointer<Int64>, count: Int) {
        var set: Int64 = 0
        for index in 0..<count { set &+= booleans[index] }
        if set > 0 { tally.add(1, times: set) }
        if set < count { tally.add(0, times: Int64(count) - set) }
    }

    /// Values of a fixed number of bytes.
    func observe(fixed: UnsafePointer<UInt8>, width: Int, count: Int) {
        moments.add(count: count) {
            Double(ValueBounds.wide(fixed + $0 * width))
        } times: { _ in
            1
        }
        for index in 0..<count {
            let value = fixed + index * width
            if let sketch {
                DistinctSketch.add(DistinctSketch.hash(value, width), to: sketch.registers)
            } else {
                tally.add(value, width, key: ValueDictionary.key(value, width), times: 1)
                if isFull { beginSketch(numbers: false) }
            }
        }
    }
}
