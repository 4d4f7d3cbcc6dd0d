package import AppConfig

extension RetryPolicy {
    /// What is said of it beside its limits, a phrase each; nothing where nothing is tried again.
    package var phrases: [String] {
        guard maximumRetryAttempts > 0 else { return ["not at all, but for failures of the platform"] }
        var wait = "after \(Self.seconds(intervalSeconds))"
        if maximumRetryAttempts > 1, backoffRate != 1 {
            wait += ", each time \(Self.number(backoffRate)) times as long, \(Self.seconds(maxDelaySeconds)) at most"
        }
        var phrases = [
            wait,
            jitter == .full ? "a random part of that (jitterStrategy FULL)" : "exactly that (jitterStrategy NONE)",
        ]
        if let on { phrases.append("only after: \(on.joined(separator: ", ")), and failures of the platform") }
        if let never, !never.isEmpty { phrases.append("never after: \(never.joined(separator: ", "))") }
        return phrases
    }

    private static func seconds(_ value: Double) -> String { "\(number(value)) s" }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }
}
