#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif
import Schedules

/// `schedule:` of a rule: an expression, or a mapping with one and where and how it is meant.
enum ScheduleReader {
    /// An expression alone, beneath another key, in a given time zone.
    static func read(_ reader: inout MappingReader, key: String, timezone: String) -> ScheduleDefinition? {
        guard let expression = reader.string(key) else { return nil }
        let places = ["expression": reader.place(of: key), "timezone": reader.place(of: "timezone")]
        return check(ScheduleDefinition(expression: expression, timezone: timezone), places: places, reader)
    }

    /// Nil, with a report, if it is not valid.
    static func read(_ reader: inout MappingReader) -> ScheduleDefinition? {
        guard let node = reader.node("schedule") else {
            reader.missing("schedule", hint: "write schedule: rate(5 minutes), or cron(0 2 * * ? *)")
            return nil
        }
        if case .string(let text) = node.value {
            return check(ScheduleDefinition(expression: text), places: ["expression": node.place], reader)
        }
        guard var inner = reader.reader("schedule") else { return nil }
        guard let expression = inner.string("expression") else {
            if !inner.has("expression") {
                inner.missing("expression", hint: "write expression: cron(0 2 * * ? *)")
            }
            return nil
        }
        var definition = ScheduleDefinition(expression: expression)
        definition.timezone = inner.string("timezone") ?? definition.timezone
        definition.missed = inner.choice("missed", MissedPolicy.self) ?? definition.missed
        definition.startDate = inner.string("startDate")
        definition.endDate = inner.string("endDate")
        inner.finish(
            later: ["flexibleTimeWindow": "the event comes at its time; the function's concurrency spreads the work"],
            instead: [
                "scheduleExpression": "expression", "rate": "expression", "cron": "expression", "at": "expression",
                "scheduleExpressionTimezone": "timezone", "timeZone": "timezone", "tz": "timezone",
                "catchUp": "missed", "start": "startDate", "end": "endDate",
            ])
        let keys = ["expression", "timezone", "startDate", "endDate"]
        return check(
            definition, places: Dictionary(uniqueKeysWithValues: keys.map { ($0, inner.place(of: $0)) }), reader)
    }

    private static func check(
        _ definition: ScheduleDefinition, places: [String: Place], _ reader: MappingReader
    ) -> ScheduleDefinition? {
        var isValid = true
        func attempt(_ key: String, _ body: () throws(ScheduleError) -> Void) {
            do throws(ScheduleError) {
                try body()
            } catch {
                isValid = false
                reader.file.report(.invalidSchedule, error.message, at: places[key] ?? reader.place)
            }
        }
        attempt("expression") { () throws(ScheduleError) in _ = try ScheduleExpression(definition.expression) }
        attempt("timezone") { () throws(ScheduleError) in _ = try TimeZoneFiles.load(definition.timezone) }
        attempt("startDate") { () throws(ScheduleError) in
            _ = try ScheduleDefinition.date(definition.startDate)
        }
        attempt("endDate") { () throws(ScheduleError) in _ = try ScheduleDefinition.date(definition.endDate) }
        guard isValid else { return nil }
        let now = Int64(time(nil))
        attempt("expression") { () throws(ScheduleError) in
            // Together: a time that the zone skips, an end before the start.
            if try definition.schedule(deployed: now).next(after: now) == nil {
                reader.file.report(
                    .suspicious, "`\(definition.expression)` is never due again", at: places["expression"],
                    severity: .warning)
            }
        }
        return isValid ? definition : nil
    }
}
