/// A single value of a column.
public enum ColumnValue: Sendable, Hashable {
    case null
    case boolean(Bool)
    case bigint(Int64)
    case double(Double)
    /// UTF-8 text; for decimal columns, the number as text (`-12.50`).
    case string(String)
    /// Days since 1970-01-01.
    case date(days: Int64)
    /// Microseconds since midnight, below 86,400,000,000.
    case time(microseconds: Int64)
    /// Microseconds since 1970-01-01 00:00; for `timestamp` and `timestampUTC` columns.
    case timestamp(microseconds: Int64)

    /// Whether the value can stand in a column of a type.
    func isOf(_ type: ColumnType) -> Bool {
        switch (self, type) {
        case (.null, _), (.boolean, .boolean), (.bigint, .bigint), (.double, .double), (.string, .string),
            (.string, .decimal), (.date, .date), (.timestamp, .timestamp), (.timestamp, .timestampUTC):
            true
        case (.time(let microseconds), .time): (0..<TemporalText.microsecondsPerDay).contains(microseconds)
        default: false
        }
    }
}
