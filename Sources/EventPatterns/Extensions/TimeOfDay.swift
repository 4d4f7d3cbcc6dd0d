import CivilCalendar
import Schedules

/// Times of the day in a time zone: from one to another, over midnight if the second comes before the first.
struct TimeOfDayRange: Sendable, Hashable {
    /// The first and last microsecond after midnight that belong to the range.
    var first: Int64
    var last: Int64
    var zone: TimeZoneRules
    /// The operands as written: operator, time, and so on.
    var written: [String]

    static let day: Int64 = 86_400_000_000

    /// Microseconds after midnight of `22:00`, `22:00:30` or `22:00:30.25`; nil for other texts.
    static func microseconds(_ text: String) -> Int64? {
        let isWithoutSeconds = text.utf8.count == 5
        // The time of a moment on the first day, read as `date` reads it.
        let moment = Array("1970-01-01T\(text)\(isWithoutSeconds ? ":00" : "")Z".utf8)
        return moment.withUnsafeBufferPointer { InstantText.microseconds($0) }
    }

    /// `UTC`, an offset such as `+05:30`, or a name of the time zone database. Throws if there is none of that name.
    static func zone(_ name: String) throws(OperandError) -> TimeZoneRules {
        if name == "Z" { return .utc }
        if let sign = name.utf8.first, sign == 0x2B || sign == 0x2D {
            let moment = Array("1970-01-01T00:00:00\(name)".utf8)
            guard let read = moment.withUnsafeBufferPointer({ InstantText.microseconds($0) }) else {
                throw OperandError("Value of zone must be a time zone: \(name)")
            }
            return TimeZoneRules(fixed: -read / 1_000_000)
        }
        do throws(ScheduleError) { return try TimeZoneFiles.load(name) } catch {
            throw OperandError("Value of zone must be a time zone: \(error.message)")
        }
    }
}

/// A range of times of the day in flat form: 64-bit words that lie in a condition's text.
enum TimeOfDayTest {
    /// The words before those of the zone: the first and last microsecond, and the number of the zone's stretches of
    /// time.
    private static let head = 3

    /// The words of a range: behind the head, for each stretch of time in which the zone's clocks differ alike from
    /// UTC, where it begins and by how much, in microseconds.
    static func words(_ range: TimeOfDayRange) -> [Int64] {
        var stretches: [Int64] = []
        range.zone.forEachOffset { start, offset in
            stretches += [start == .min ? .min : start * 1_000_000, offset * 1_000_000]
        }
        return [range.first, range.last, Int64(stretches.count / 2)] + stretches
    }

    /// Whether a moment lies in a range, whose words begin at a place that need not be aligned.
    static func contains(_ words: UnsafePointer<UInt8>, _ moment: Int64) -> Bool {
        func word(_ index: Int) -> Int64 { Int64(bitPattern: ByteHash.word(words + 8 * index)) }
        var low = 0
        var left = Int(word(2)) - 1
        // The last stretch that does not begin after the moment; the first one begins before all.
        while left > 0 {
            let half = (left + 1) >> 1
            if word(head + 2 * (low + half)) <= moment {
                low += half
                left -= half
            } else {
                left = half - 1
            }
        }
        let time = modulo(moment + word(head + 2 * low + 1), TimeOfDayRange.day)
        let (first, last) = (word(0), word(1))
        return first <= last ? first <= time && time <= last : first <= time || time <= last
    }

    /// The steps of a search in a zone's stretches.
    static func steps(_ words: UnsafePointer<UInt8>) -> Int {
        UInt64.bitWidth - ByteHash.word(words + 16).leadingZeroBitCount
    }
}

extension PatternParser {
    /// Reads the list after `time-of-day`.
    mutating func timeOfDay() throws(PatternError) -> TimeOfDayRange {
        guard try reader.next() == .startArray else { throw matcher("Value of time-of-day must be an array.") }
        var low: Int64?
        var high: Int64?
        var range = TimeOfDayRange(first: 0, last: TimeOfDayRange.day - 1, zone: .utc, written: [])
        while true {
            let token = try reader.next()
            if token == .endArray { break }
            guard token == .string else { throw matcher("Invalid member in time-of-day match: \(reader.printed)") }
            let name = String(decoding: reader.text, as: UTF8.self)
            guard [">", ">=", "<", "<=", "=", "zone"].contains(name) else {
                throw matcher("Unrecognized time-of-day range operator: \(name)")
            }
            guard try reader.next() == .string else { throw matcher("Value of \(name) must be a string") }
            let operand = String(decoding: reader.text, as: UTF8.self)
            if name == "zone" {
                if range.written.contains("zone") { throw matcher("Too many terms in time-of-day range expression") }
                do throws(OperandError) { range.zone = try TimeOfDayRange.zone(operand) } catch {
                    throw matcher(error.message)
                }
            } else {
                guard let time = TimeOfDayRange.microseconds(operand) else {
                    throw matcher("Value of \(name) must be a time of day such as 22:00")
                }
                if (low != nil && !name.hasPrefix("<")) || (high != nil && !name.hasPrefix(">")) {
                    throw matcher("Too many terms in time-of-day range expression")
                }
                if !name.hasPrefix("<") { (low, range.first) = (time, name == ">" ? time + 1 : time) }
                if !name.hasPrefix(">") { (high, range.last) = (time, name == "<" ? time - 1 : time) }
            }
            range.written += [name, operand]
        }
        guard low != nil || high != nil else { throw matcher("Invalid member in time-of-day match: ]") }
        let isOverMidnight = if let low, let high { low > high } else { false }
        if range.last + (isOverMidnight ? TimeOfDayRange.day : 0) < range.first {
            throw matcher("Time-of-day range is empty")
        }
        // `>= 22:00, < 00:00` ends with the last microsecond of its day.
        range.first %= TimeOfDayRange.day
        range.last = modulo(range.last, TimeOfDayRange.day)
        return range
    }
}
