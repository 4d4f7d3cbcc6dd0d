import Glibc

/// Watches the values of one column on their way into pages: what the builder has parsed or found in its dictionary is not
/// looked at again. Used by one thread at a time.
final class ColumnProfiler {
    /// Distinct values that are counted exactly; beyond, a sketch takes over.
    private let exactLimit: Int
    private static let bytesPerValue = 48
    /// After the sketch has taken over, one value in so many is looked at for frequent values and personal data.
    private static let sampleStep = 16
    private static let mostCandidates = 4096
    private static let fullLookValues: Int64 = 10_000

    private var rows: Int64 = 0
    private var nulls: Int64 = 0
    private var values: Int64 = 0
    /// Exact counts, or candidates for frequent values.
    private let tally = ValueTally()
    private var sketch: DistinctSketch?
    private var moments = NumberMoments()
    private var bounds = ValueBounds()
    private var lengths: (minimum: Int, maximum: Int, total: Int64) = (.max, 0, 0)
    private var looked: Int64 = 0
    private var found: [PersonalData: Int64] = [:]
    private var sampleOffset = 0
    /// Of values that were sampled lately, part of their hashes: only what comes again is counted. Made with the sketch.
    private var recent: UnsafeMutablePointer<UInt32>?
    private static let recentBits: UInt64 = 11

    /// How often each id of the chunk's dictionary came: in two halves while there are few, since then neighbours are
    /// often equal, and one count would wait for the other.
    private var counts: UnsafeMutablePointer<UInt32>
    private var countCapacity = 0
    private var usedCounts = 0
    private var hasHalves = true
    private static let mostHalved = 1024

    init(exactLimit: Int) {
        self.exactLimit = exactLimit
        counts = .allocate(capacity: 1)
    }

    deinit {
        counts.deallocate()
        recent?.deallocate()
    }

    // MARK: pages

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
    func observe(numbers: UnsafePointer<Int64>, count: Int, isDouble: Bool, isNumber: Bool, isWhole: Bool) {
        if isNumber { addMoments(numbers, count, isDouble: isDouble) }
        var index = 0
        while sketch == nil, index < count {
            tally.add(isDouble ? Self.canonical(numbers[index]) : numbers[index], times: 1)
            index += 1
            if isFull { beginSketch(numbers: true) }
        }
        if let sketch {
            let registers = sketch.registers
            if isDouble {
                for position in index..<count {
                    DistinctSketch.add(DistinctSketch.hash(Self.canonical(numbers[position])), to: registers)
                }
            } else {
                for position in index..<count {
                    DistinctSketch.add(DistinctSketch.hash(numbers[position]), to: registers)
                }
            }
            sample(from: index, to: count) { position in
                let number = isDouble ? Self.canonical(numbers[position]) : numbers[position]
                tally.withText(of: number) { addSample($0, 8, DistinctSketch.hash(number)) }
            }
        }
        if isWhole { look(count) { lookAt(number: numbers[$0], times: $1) } }
    }

    /// Texts one after the other, with readable bytes behind.
    func observe(texts: UnsafePointer<UInt8>, bytes: Int, lengths textLengths: UnsafePointer<UInt32>, count: Int) {
        addLengths(texts, bytes, textLengths, count)
        var position = 0
        var index = 0
        while sketch == nil, index < count {
            let length = Int(textLengths[index])
            tally.add(texts + position, length, times: 1)
            position += length
            index += 1
            if isFull { beginSketch(numbers: false) }
        }
        if let sketch {
            let registers = sketch.registers
            let start = (index, position)
            for next in index..<count {
                let length = Int(textLengths[next])
                DistinctSketch.add(DistinctSketch.hash(texts + position, length), to: registers)
                position &+= length
            }
            var (at, offset) = start
            sample(from: index, to: count) { wanted in
                while at < wanted {
                    offset += Int(textLengths[at])
                    at += 1
                }
                let length = Int(textLengths[at])
                addSample(texts + offset, length, DistinctSketch.hash(texts + offset, length))
            }
        }
        var (at, offset) = (0, 0)
        look(count) { wanted, times in
            while at < wanted {
                offset += Int(textLengths[at])
                at += 1
            }
            lookAt(UnsafeBufferPointer(start: texts + offset, count: Int(textLengths[at])), times: times)
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
        for index in 0..<count {
            let value = fixed + index * width
            if let sketch {
                DistinctSketch.add(DistinctSketch.hash(value, width), to: sketch.registers)
            } else {
                tally.add(value, width, times: 1)
                if isFull { beginSketch(numbers: false) }
            }
        }
    }

    // MARK: chunks

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
            if let sketch {
                DistinctSketch.add(DistinctSketch.hash(base, text.count), to: sketch.registers)
                addCandidate(counts[id] >= least) { tally.add(base, text.count, times: times) }
            } else {
                tally.add(base, text.count, times: times)
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
        for id in 0..<count where counts[id] > 0 {
            let value = isDouble ? Self.canonical(values[id]) : values[id]
            let times = Int64(counts[id])
            if type.isWhole { lookAt(number: value, times: times) }
            if let sketch {
                DistinctSketch.add(DistinctSketch.hash(value), to: sketch.registers)
                addCandidate(counts[id] >= least) { tally.add(value, times: times) }
            } else {
                tally.add(value, times: times)
                if isFull { beginSketch(numbers: true) }
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

    // MARK: parts

    private var isFull: Bool { tally.count > exactLimit || tally.bytes > exactLimit * Self.bytesPerValue }

    /// Goes over from exact counts to an estimate.
    /// - Parameter numbers: whether the values are numbers, which have hashes of their own.
    private func beginSketch(numbers: Bool) {
        let sketch = DistinctSketch()
        tally.forEach { text, _ in
            guard let base = text.baseAddress else { return }
            let hash =
                numbers
                ? DistinctSketch.hash(UnsafeRawPointer(base).loadUnaligned(as: Int64.self))
                : DistinctSketch.hash(base, text.count)
            DistinctSketch.add(hash, to: sketch.registers)
        }
        self.sketch = sketch
        tally.prune(to: Self.mostCandidates / 4)
        let memory = UnsafeMutablePointer<UInt32>.allocate(capacity: 1 << Int(Self.recentBits))
        memset(memory, 0, 4 << Int(Self.recentBits))
        recent = memory
    }

    /// One value of a sample. What comes but once among many others is not kept.
    private func addSample(_ text: UnsafePointer<UInt8>, _ length: Int, _ hash: UInt64) {
        let times = Int64(Self.sampleStep)
        if tally.addKnown(text, length, times: times) { return }
        guard let recent else { return }
        let slot = Int(truncatingIfNeeded: hash &>> (64 &- Self.recentBits))
        let tag = UInt32(truncatingIfNeeded: hash) | 1
        if recent[slot] == tag {
            tally.add(text, length, times: 2 * times)
        } else {
            recent[slot] = tag
        }
    }

    /// Of entries of a dictionary only those that come often: the others cannot be frequent.
    private func addCandidate(_ isFrequent: Bool, _ add: () -> Void) {
        guard isFrequent else { return }
        add()
        if tally.count > Self.mostCandidates { tally.prune(to: Self.mostCandidates / 4) }
    }

    /// Every sixteenth position, going on where the last page ended.
    private func sample(from: Int, to: Int, _ body: (Int) -> Void) {
        var position = from + sampleOffset
        while position < to {
            body(position)
            position += Self.sampleStep
        }
        sampleOffset = position - to
        if tally.count > Self.mostCandidates { tally.prune(to: Self.mostCandidates / 4) }
    }

    /// All positions, or every sixteenth, with how many values each stands for.
    private func look(_ count: Int, _ body: (Int, Int64) -> Void) {
        let step = looked < Self.fullLookValues ? 1 : Self.sampleStep
        for position in stride(from: 0, to: count, by: step) { body(position, Int64(min(step, count - position))) }
    }

    private func lookAt(_ text: UnsafeBufferPointer<UInt8>, times: Int64) {
        looked += times
        if let kind = PersonalData.kind(of: text) { found[kind, default: 0] += times }
    }

    /// Whole numbers of as many digits as cards and tax numbers have.
    private func lookAt(number: Int64, times: Int64) {
        looked += times
        guard number >= 10_000_000_000 else { return }
        if let kind = PersonalData.kind(of: String(number)) { found[kind, default: 0] += times }
    }

    private func addMoments(_ numbers: UnsafePointer<Int64>, _ count: Int, isDouble: Bool) {
        guard count > 0 else { return }
        let doubles = UnsafeRawPointer(numbers).assumingMemoryBound(to: Double.self)
        func value(_ index: Int) -> Double { isDouble ? doubles[index] : Double(numbers[index]) }
        // Differences from a number near the mean, so that one pass gives sum and squares without losing digits; four
        // sums side by side, since each addition waits for the one before.
        let pivot = moments.count > 0 && moments.mean.isFinite ? moments.mean : value(0)
        var sums = SIMD4<Double>.zero
        var squares = SIMD4<Double>.zero
        var index = 0
        while index &+ 4 <= count {
            let difference =
                SIMD4(value(index), value(index &+ 1), value(index &+ 2), value(index &+ 3)) - SIMD4(repeating: pivot)
            sums += difference
            squares += difference * difference
            index &+= 4
        }
        var (sum, square) = (sums.sum(), squares.sum())
        while index < count {
            let difference = value(index) - pivot
            sum += difference
            square += difference * difference
            index &+= 1
        }
        let number = Double(count)
        moments.merge(
            count: Int64(count), sum: pivot * number + sum, mean: pivot + sum / number,
            squares: max(0, square - sum * sum / number))
    }

    private func addLengths(
        _ texts: UnsafePointer<UInt8>, _ bytes: Int, _ textLengths: UnsafePointer<UInt32>, _ count: Int
    ) {
        guard count > 0 else { return }
        var high: UInt64 = 0
        var index = 0
        while index &+ 8 <= bytes {
            high |= loadWord(texts + index)
            index &+= 8
        }
        while index < bytes {
            high |= UInt64(texts[index])
            index &+= 1
        }
        var (least, greatest) = (UInt32.max, UInt32(0))
        if high & 0x8080_8080_8080_8080 == 0 {
            for index in 0..<count {
                least = min(least, textLengths[index])
                greatest = max(greatest, textLengths[index])
            }
            lengths.total += Int64(bytes)
        } else {
            var position = 0
            for index in 0..<count {
                let length = Int(textLengths[index])
                let characters = Characters.count(UnsafeBufferPointer(start: texts + position, count: length))
                least = min(least, UInt32(characters))
                greatest = max(greatest, UInt32(characters))
                lengths.total += Int64(characters)
                position += length
            }
        }
        lengths.minimum = min(lengths.minimum, Int(least))
        lengths.maximum = max(lengths.maximum, Int(greatest))
    }

    /// Zeros of both signs are one value, and so is every NaN.
    @inline(__always)
    private static func canonical(_ bits: Int64) -> Int64 {
        if bits == .min { return 0 }
        let exponent: Int64 = 0x7FF0_0000_0000_0000
        return bits & .max > exponent ? exponent | 1 << 51 : bits
    }

    // MARK: the end

    func profile(_ column: ColumnSchema, top limit: Int) -> ColumnProfile {
        let type = column.type
        let estimate = sketch.map { Int64($0.estimate.rounded()) }
        let mean = moments.count == 0 || !type.isNumber ? nil : moments.mean / type.scaleFactor
        let deviation = moments.count == 0 || !type.isNumber ? nil : moments.standardDeviation / type.scaleFactor
        let share = Double(max(1, looked))
        return ColumnProfile(
            name: column.name, type: type.description, rows: rows, nulls: nulls,
            distinct: .init(
                count: estimate.map { min($0, values) } ?? Int64(tally.count), isExact: estimate == nil),
            minimum: bounds.isEmpty ? nil : type.text(least: bounds),
            maximum: bounds.isEmpty ? nil : type.text(greatest: bounds),
            mean: mean.flatMap { $0.isFinite ? $0 : nil },
            standardDeviation: deviation.flatMap { $0.isFinite ? $0 : nil },
            lengths: type == .string && values > 0
                ? .init(
                    minimum: lengths.minimum, maximum: lengths.maximum, mean: Double(lengths.total) / Double(values))
                : nil,
            // Of a sample, what was seen but three times says nothing.
            top: tally.top(limit).filter { estimate == nil || $0.count > 3 * Int64(Self.sampleStep) }.map {
                .init(value: type.text(stored: $0.value), count: $0.count)
            },
            lookalikes: found.map { .init(kind: $0.key, share: Double($0.value) / share) }
                .filter { $0.share >= 0.001 }.sorted { ($0.share, $1.kind.rawValue) > ($1.share, $0.kind.rawValue) })
    }
}
