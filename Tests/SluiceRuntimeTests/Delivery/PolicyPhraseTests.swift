import AppConfig
import SluiceRuntime
import Testing

@Suite("What is said of a retry policy")
struct PolicyPhraseTests {
    @Test("Waits, jitter and codes")
    func phrases() {
        #expect(
            RetryPolicy().phrases == [
                "after 1 s, each time 4 times as long, 300 s at most", "a random part of that (jitterStrategy FULL)",
            ])
        let policy = RetryPolicy(
            maximumRetryAttempts: 1, intervalSeconds: 0.5, jitter: .none, on: ["A", "B"], never: ["C"])
        #expect(
            policy.phrases == [
                "after 0.5 s", "exactly that (jitterStrategy NONE)", "only after: A, B, and failures of the platform",
                "never after: C",
            ])
        #expect(
            RetryPolicy(maximumRetryAttempts: 0).phrases == ["not at all, but for failures of the platform"])
    }
}
