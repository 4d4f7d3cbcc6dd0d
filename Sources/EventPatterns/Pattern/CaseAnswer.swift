/// The answer to one conformance case: a pattern's text against an event's text.
public enum CaseAnswer: Sendable, Hashable {
    case match(Bool)
    /// The pattern is refused, with the reference's message.
    case patternError(String)
    /// The event is refused.
    case eventError(String)

    /// Answers one case.
    public static func answer(
        pattern: [UInt8], event: [UInt8], dialect: PatternDialect = .eventBridge
    ) -> CaseAnswer {
        let parsed: EventPattern
        do throws(PatternError) {
            parsed = try EventPattern(parsing: pattern, dialect: dialect, limits: .language)
        } catch {
            return .patternError(error.message)
        }
        do throws(EventError) {
            return .match(try parsed.matches(event))
        } catch {
            return .eventError(error.message)
        }
    }

    /// Answers one case.
    public static func answer(pattern: String, event: String, dialect: PatternDialect = .eventBridge) -> CaseAnswer {
        answer(pattern: Array(pattern.utf8), event: Array(event.utf8), dialect: dialect)
    }

    /// The line that `sluice rules test --cases` prints: `true`, `false`, or `error`, the side and the message with
    /// tabs.
    public var line: String {
        switch self {
        case .match(let matches): matches ? "true" : "false"
        case .patternError(let message): "error\tpattern\t\(CaseAnswer.oneLine(message))"
        case .eventError(let message): "error\tevent\t\(CaseAnswer.oneLine(message))"
        }
    }

    private static func oneLine(_ text: String) -> String {
        String(text.map { $0.isNewline || $0 == "\t" ? " " : $0 })
    }
}
