/// A set of small numbers.
struct NumberSet: Sendable, Hashable {
    private var words: [UInt64]
    let range: ClosedRange<Int>

    init(_ range: ClosedRange<Int>) {
        self.range = range
        words = Array(repeating: 0, count: (range.count + 63) / 64)
    }

    mutating func insert(_ number: Int) {
        let index = number - range.lowerBound
        words[index / 64] |= 1 << UInt64(index % 64)
    }

    func contains(_ number: Int) -> Bool {
        guard range.contains(number) else { return false }
        let index = number - range.lowerBound
        return words[index / 64] & (1 << UInt64(index % 64)) != 0
    }

    /// The smallest member that is `number` or greater.
    func first(from number: Int) -> Int? {
        var candidate = max(number, range.lowerBound)
        while candidate <= range.upperBound {
            if contains(candidate) { return candidate }
            candidate += 1
        }
        return nil
    }

    var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
}

/// One of the six fields of a cron expression: its name, its range, and the words for its numbers.
struct CronField: Sendable {
    let name: String
    let range: ClosedRange<Int>
    /// In order from the range's lower bound.
    var words: [String] = []

    static let minute = CronField(name: "minutes", range: 0...59)
    static let hour = CronField(name: "hours", range: 0...23)
    static let dayOfMonth = CronField(name: "day of month", range: 1...31)
    static let month = CronField(
        name: "month", range: 1...12,
        words: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"])
    static let dayOfWeek = CronField(
        name: "day of week", range: 1...7, words: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])
    static let year = CronField(name: "year", range: 1970...2199)

    /// A number or a word of the field; nil for anything else.
    func number(_ text: Substring) -> Int? {
        if let index = words.firstIndex(of: text.uppercased()) { return range.lowerBound + index }
        guard !text.isEmpty, text.utf8.count <= 4, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(text), range.contains(number)
        else { return nil }
        return number
    }

    /// Adds what one item of the list stands for: `5`, `MON`, `1-5`, `*`, `0/15`, `*/15`, `1-30/5`.
    func add(_ item: Substring, to set: inout NumberSet) throws(ScheduleError) {
        let parts = item.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        var bounds: ClosedRange<Int>
        let base = parts[0]
        if base == "*" {
            bounds = range
        } else if let number = number(base) {
            bounds = number...(parts.count == 2 ? range.upperBound : number)
        } else {
            let ends = base.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            guard ends.count == 2, let low = number(ends[0]), let high = number(ends[1]) else {
                throw invalid(item)
            }
            guard low <= high else {
                throw ScheduleError(
                    .invalidExpression, "`\(item)` in the field \(name) runs backwards; write it as a list")
            }
            bounds = low...high
        }
        var step = 1
        if parts.count == 2 {
            guard let number = Int(parts[1]), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), number >= 1,
                number <= range.upperBound
            else { throw invalid(item) }
            step = number
        }
        for number in stride(from: bounds.lowerBound, through: bounds.upperBound, by: step) { set.insert(number) }
    }

    /// A field that is a list of plain items.
    func read(_ text: Substring) throws(ScheduleError) -> NumberSet {
        var set = NumberSet(range)
        for item in text.split(separator: ",", omittingEmptySubsequences: false) { try add(item, to: &set) }
        return set
    }

    func invalid(_ item: Substring) -> ScheduleError {
        let words = words.isEmpty ? "" : ", or \(words.first ?? "") to \(words.last ?? "")"
        return ScheduleError(
            .invalidExpression,
            "`\(item)` cannot stand in the field \(name), which takes \(range.lowerBound) to \(range.upperBound)\(words)"
        )
    }
}
