/// Moments of numbers, lengths of texts.
extension ColumnProfiler {
    func addMoments(_ numbers: UnsafePointer<Int64>, _ count: Int, isDouble: Bool) {
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

    func addLengths(
        _ texts: UnsafePointer<UInt8>, _ bytes: Int, _ textLengths: UnsafePointer<UInt32>, _ count: Int
    ) {
        guard count > 0 else { return }
        var (least, greatest) = (UInt32.max, UInt32(0))
        if Characters.areASCII(UnsafeBufferPointer(start: texts, count: bytes)) {
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
}
