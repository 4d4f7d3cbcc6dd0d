/// One line that a function or the host wrote.
package struct LogLine: Codable, Sendable, Hashable {
    package var time: APITime
    /// swift-log's names; lines of stdout are `info`, of stderr `error`.
    package var level: String
    /// `logger`, `stdout`, `stderr`, `host`
    package var stream: String
    package var function: String?
    package var requestID: String?
    package var message: String

    package init(
        time: APITime, level: String, stream: String, function: String? = nil, requestID: String? = nil,
        message: String
    ) {
        self.time = time
        self.level = level
        self.stream = stream
        self.function = function
        self.requestID = requestID
        self.message = message
    }
}

/// Which lines `logs` gives.
package struct LogQuery: Sendable, Hashable {
    /// Nil: all functions, webhooks and commands, and the host; `_host`: the host alone.
    package var function: String?
    /// Of an attempt, or of an invocation with all its attempts.
    package var requestID: String?
    /// Nothing before it.
    package var since: APITime?
    /// Nothing from it on.
    package var until: APITime?
    /// How many of the last lines to begin with.
    package var tail: Int
    /// Go on with new lines as they come, until the client leaves.
    package var follow: Bool

    package init(
        function: String? = nil, requestID: String? = nil, tail: Int = 100, follow: Bool = false,
        since: APITime? = nil, until: APITime? = nil
    ) {
        self.since = since
        self.until = until
        self.function = function
        self.requestID = requestID
        self.tail = tail
        self.follow = follow
    }
}
