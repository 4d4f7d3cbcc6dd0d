import Glibc

/// The values of one leaf of a nested column in a batch: where their texts lie, and their levels.
///
/// Offsets are those of the batch's memory, as in its index. Used by one thread at a time.
final class NestedValues {
    /// Start less one and end of each value; nulls are empty.
    private(set) var slots: UnsafeMutablePointer<UInt32>
    private(set) var repetition: UnsafeMutablePointer<UInt8>
    private(set) var definition: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0
    /// Records that have begun.
    private(set) var records = 0
    /// The position of the first value of the last record.
    private var lastRecord = 0

    init() {
        capacity = 256
        slots = .allocate(capacity: 2 * capacity)
        repetition = .allocate(capacity: capacity)
        definition = .allocate(capacity: capacity)
    }

    deinit {
        slots.deallocate()
        repetition.deallocate()
        definition.deallocate()
    }

    func clear() {
        (count, records, lastRecord) = (0, 0, 0)
    }

    /// Adds a value, or a null where `end` is 0.
    @inline(__always)
    func append(start: UInt32, end: UInt32, repetition level: UInt8, definition depth: UInt8) {
        let position = count
        if position == capacity { grow() }
        slots[2 &* position] = start
        slots[2 &* position &+ 1] = end
        repetition[position] = level
        definition[position] = depth
        count = position &+ 1
        if level == 0 {
            records &+= 1
            lastRecord = position
        }
    }

    /// Takes back what a record has added that turned out to be malformed, given how many records there are without it.
    func truncate(toRecords wanted: Int) {
        guard records > wanted else { return }
        (count, records) = (lastRecord, wanted)
    }

    /// The values of some records.
    func table(_ batch: RecordBatch, first: Int, count rows: Int) -> NestedTable {
        let start = position(ofRecord: first, from: 0)
        let end = first + rows == records ? count : position(ofRecord: rows, from: start)
        var fields = FieldTable(
            bytes: UnsafePointer(batch.base), slots: UnsafePointer(slots + 2 * start), column: 0, columns: 1,
            dialect: JSONText.dialect)
        fields.rows = end - start
        return NestedTable(
            fields: fields, repetition: UnsafePointer(repetition + start), definition: UnsafePointer(definition + start)
        )
    }

    /// Where a record begins, counted from the record that begins at `start`.
    private func position(ofRecord record: Int, from start: Int) -> Int {
        var left = record
        var position = start
        while position < count {
            if repetition[position] == 0 {
                if left == 0 { return position }
                left -= 1
            }
            position += 1
        }
        return count
    }

    /// Keeps the records with `keep[record]`.
    func keep(_ keep: [Bool]) {
        var target = 0
        var record = -1
        var kept = 0
        for position in 0..<count {
            if repetition[position] == 0 {
                record += 1
                if keep[record] { kept += 1 }
            }
            guard keep[record] else { continue }
            slots[2 * target] = slots[2 * position]
            slots[2 * target + 1] = slots[2 * position + 1]
            repetition[target] = repetition[position]
            definition[target] = definition[position]
            target += 1
        }
        (count, records) = (target, kept)
    }

    /// The values of some records, in ascending order.
    func selecting(_ rows: [Int]) -> NestedValues {
        let selected = NestedValues()
        var next = rows.startIndex
        var record = -1
        for position in 0..<count {
            if repetition[position] == 0 {
                if next < rows.endIndex, rows[next] == record { next += 1 }
                record += 1
            }
            guard next < rows.endIndex else { break }
            guard rows[next] == record else { continue }
            selected.append(
                start: slots[2 * position], end: slots[2 * position + 1], repetition: repetition[position],
                definition: definition[position])
        }
        return selected
    }

    @inline(never)
    private func grow() {
        let larger = capacity * 2
        func moved<Element>(_ old: UnsafeMutablePointer<Element>, _ factor: Int) -> UnsafeMutablePointer<Element> {
            let fresh = UnsafeMutablePointer<Element>.allocate(capacity: larger * factor)
            fresh.update(from: old, count: count * factor)
            old.deallocate()
            return fresh
        }
        slots = moved(slots, 2)
        repetition = moved(repetition, 1)
        definition = moved(definition, 1)
        capacity = larger
    }
}
