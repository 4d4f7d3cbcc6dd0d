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
}
