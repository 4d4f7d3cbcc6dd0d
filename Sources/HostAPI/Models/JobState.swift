/// How far a job of the host is, a replay or a redrive: EventBridge's words for the states of a replay.
package enum JobState: String, Codable, Sendable, CaseIterable {
    /// It sends, or what it has sent is not settled yet.
    case running = "RUNNING"
    /// It sends no more; what it has sent is not settled yet.
    case cancelling = "CANCELLING"
    /// Everything was sent and is settled, whether it succeeded or not.
    case completed = "COMPLETED"
    /// It was cancelled, and what it had sent is settled.
    case cancelled = "CANCELLED"
    /// It ended before everything was sent; its reason is told.
    case failed = "FAILED"

    package var isOver: Bool { self == .completed || self == .cancelled || self == .failed }
}
