/// A read-only grid over pairs of numeric ranges on two paths: which sub-rules may hold for a pair of numbers.
///
/// Rules with two ranges (a longitude and a latitude) are each unselective alone and selective together. The grid's
/// lines are quantiles of the ranges' low ends, so that cells are about equally full; a rule is listed in every cell
/// that its rectangle touches.
struct PlaneIndex {
    /// Two closed ranges; whether an end really belongs to the range is left to the sub-rule's evaluation.
    struct Rectangle: BitwiseCopyable {
        var x: (low: Double, high: Double)
        var y: (low: Double, high: Double)
        var subRule: UInt32

        @inline(__always)
        func contains(_ first: Double, _ second: Double) -> Bool {
            first >= x.low && first <= x.high && second >= y.low && second <= y.high
        }
    }

    /// The path of the second number.
    let second: Int32
    /// The next index with the same first path, -1 for none.
    let next: Int32
    private let columns: Buffer<Double>
    private let rows: Buffer<Double>
    /// Where each cell's list begins, column by column, and one end more.
    private let starts: Buffer<UInt32>
    private let items: Buffer<UInt32>
    let rectangles: Buffer<Rectangle>
    /// The sub-rules of rectangles of too many cells.
    let wide: Buffer<UInt32>

    private static let mostCells = 64

    init(_ rectangles: [Rectangle], second: Int32, next: Int32) {
        self.second = second
        self.next = next
        var side = 4
        while side * side < rectangles.count, side < 512 { side += side / 2 }
        let columns = PlaneIndex.lines(rectangles.map(\.x.low), side)
        let rows = PlaneIndex.lines(rectangles.map(\.y.low), side)
        let columnCount = columns.count + 1
        let rowCount = rows.count + 1
        var wide = Buffer<UInt32>()
        let starts = Buffer<UInt32>(repeating: 0, count: columnCount * rowCount + 1)
        var total = 0
        // Two passes: count, then fill.
        var items = Buffer<UInt32>()
        for isFilling in [false, true] {
            if isFilling {
                var sum: UInt32 = 0
                for cell in 0..<starts.count {
                    let here = starts[cell]
                    starts.base[cell] = sum
                    sum += here
                }
                items.free()
                items = Buffer(repeating: 0, count: total)
            }
            for (number, rectangle) in rectangles.enumerated() {
                let firstColumn = PlaneIndex.place(rectangle.x.low, columns)
                let lastColumn = PlaneIndex.place(rectangle.x.high, columns)
                let firstRow = PlaneIndex.place(rectangle.y.low, rows)
                let lastRow = PlaneIndex.place(rectangle.y.high, rows)
                if (lastColumn - firstColumn + 1) * (lastRow - firstRow + 1) > PlaneIndex.mostCells {
                    if !isFilling { wide.append(rectangle.subRule) }
                    continue
                }
                for column in firstColumn...lastColumn {
                    for row in firstRow...lastRow {
                        let cell = column * rowCount + row
                        if isFilling { items.base[Int(starts[cell])] = UInt32(number) } else { total += 1 }
                        starts.base[cell] += 1
                    }
                }
            }
        }
        // Filling moved every start to the next cell's: move them back.
        for cell in stride(from: starts.count - 1, to: 0, by: -1) { starts.base[cell] = starts[cell - 1] }
        if starts.count > 0 { starts.base[0] = 0 }
        self.columns = columns
        self.rows = rows
        self.starts = starts
        self.items = items
        self.wide = wide
        self.rectangles = Buffer(rectangles)
    }

    private static func lines(_ lows: [Double], _ side: Int) -> Buffer<Double> {
        let sorted = lows.sorted()
        var lines = Buffer<Double>()
        for step in 1..<side {
            let line = sorted[min(sorted.count - 1, step * sorted.count / side)]
            if lines.count == 0 || lines[lines.count - 1] < line { lines.append(line) }
        }
        return lines
    }

    /// The number of lines at or below a number: its column or row.
    @inline(__always)
    private static func place(_ number: Double, _ lines: Buffer<Double>) -> Int {
        var low = 0
        var high = lines.count
        while low < high {
            let middle = (low + high) >> 1
            if lines.base[middle] <= number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    @inline(__always)
    func column(_ number: Double) -> Int { PlaneIndex.place(number, columns) }

    /// The rectangles listed for a column and a second number.
    @inline(__always)
    func cell(column: Int, _ number: Double) -> UnsafeBufferPointer<UInt32> {
        let cell = column * (rows.count + 1) + PlaneIndex.place(number, rows)
        return list(cell, cell + 1)
    }

    /// The rectangles listed in a whole column; one may come several times.
    func column(at column: Int) -> UnsafeBufferPointer<UInt32> {
        list(column * (rows.count + 1), (column + 1) * (rows.count + 1))
    }

    @inline(__always)
    private func list(_ first: Int, _ end: Int) -> UnsafeBufferPointer<UInt32> {
        let start = Int(starts.base[first])
        return UnsafeBufferPointer(start: items.base + start, count: Int(starts.base[end]) - start)
    }

    func free() {
        columns.free()
        rows.free()
        starts.free()
        items.free()
        wide.free()
        rectangles.free()
    }

    var byteCount: Int {
        columns.byteCount + rows.byteCount + starts.byteCount + items.byteCount + wide.byteCount
            + rectangles.byteCount
    }
}
