/// The lines of a subscription's keys, and what they come to together.
struct KeyLines: Sendable {
    /// What stands in lines and what dead letters hold back, of one line or of all.
    struct Sum: Sendable, Equatable {
        /// Works from the log that wait in memory, and the bytes of their payloads.
        var held = 0
        var heldBytes = 0
        /// Keys that dead letters hold back, and how many works they hold, as far as the log has been read.
        var parkedKeys = 0
        var parkedWorks = 0

        init() {}

        init(_ line: KeyLine) {
            (held, heldBytes) = (line.held, line.heldBytes)
            guard line.parked > 0 else { return }
            (parkedKeys, parkedWorks) = (1, line.waiting.count + line.spilled)
        }

        static func += (sum: inout Sum, other: Sum) { sum.add(other, 1) }
        static func -= (sum: inout Sum, other: Sum) { sum.add(other, -1) }

        private mutating func add(_ other: Sum, _ sign: Int) {
            held += sign * other.held
            heldBytes += sign * other.heldBytes
            parkedKeys += sign * other.parkedKeys
            parkedWorks += sign * other.parkedWorks
        }
    }

    private var lines: [String: KeyLine] = [:]
    private(set) var sum = Sum()

    init() {}

    init(_ lines: [String: KeyLine]) {
        self.lines = lines
        for line in lines.values { sum += Sum(line) }
    }

    var count: Int { lines.count }
    var keys: [String] { Array(lines.keys) }
    var all: [String: KeyLine] { lines }

    subscript(key: String) -> KeyLine? { lines[key] }

    /// A line that is not there begins.
    subscript(key: String, default fresh: @autoclosure () -> KeyLine) -> KeyLine {
        get { lines[key] ?? fresh() }
        _modify {
            if lines.index(forKey: key) == nil { lines[key] = fresh() }
            let place = lines.index(forKey: key)!
            let before = Sum(lines.values[place])
            defer {
                sum -= before
                sum += Sum(lines.values[place])
            }
            yield &lines.values[place]
        }
    }

    /// Changes a line that is there.
    mutating func update<Result>(_ key: String, _ body: (inout KeyLine) -> Result) -> Result? {
        guard let place = lines.index(forKey: key) else { return nil }
        let before = Sum(lines.values[place])
        defer {
            sum -= before
            sum += Sum(lines.values[place])
        }
        return body(&lines.values[place])
    }

    mutating func remove(_ key: String) {
        if let line = lines.removeValue(forKey: key) { sum -= Sum(line) }
    }
}
