/// Why an expression or a time zone is not valid.
package struct ScheduleError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Which part of a schedule is wrong.
    package enum Code: String, Sendable, Hashable {
        /// No `rate`, `cron` or `at` as EventBridge has them.
        case invalidExpression = "InvalidExpression"
        /// No date and time, or one that the time zone does not have.
        case invalidTime = "InvalidTime"
        /// Bytes that are no time zone file.
        case invalidZone = "InvalidZone"
    }

    package var code: Code
    /// What is wrong and why, without a full stop.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
