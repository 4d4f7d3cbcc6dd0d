import AppConfig
import Testing

@Suite("Lifecycle rules of a bucket")
struct LifecycleFileTests {
    private func bucket(_ text: String) -> [String: String] {
        TestApp.files(["sluice.yaml": "buckets:\n  clean-zone:\n  landing-zone:\n    lifecycle: \(text)\n"])
    }

    @Test("rules with days or hours")
    func reading() throws {
        let app = try TestApp.load(
            bucket("[{expiration: {days: 30}}, {id: tmp, prefix: tmp/, state: DISABLED, expiration: {hours: 6}}]"))
        #expect(
            app.definition.bucket(named: "landing-zone")?.lifecycle == [
                LifecycleRule(id: "rule-1", expirationSeconds: 30 * 86_400),
                LifecycleRule(id: "tmp", prefix: "tmp/", expirationSeconds: 6 * 3600, enabled: false),
            ])
        let kept = try TestApp.load(
            TestApp.files(["sluice.yaml": "keptInputs: {retentionDays: 3}\nbuckets: {landing-zone: , clean-zone: }\n"]))
        #expect(kept.definition.retention.keptInputDays == 3)
    }

    @Test(
        "each mistake is named",
        arguments: [
            ("[{}]", "has no `expiration`"), ("[{expiration: {}}]", "has no `days`"),
            ("[{expiration: {days: 0}}]", "from 1 to 36500"),
            ("[{expiration: {days: 1, hours: 1}}]", "either `days` or"),
            ("[{expiration: {date: 2026-01-01}}]", "not supported"), ("[{days: 5}]", "called `expiration`"),
            ("[{prefix: /a, expiration: {days: 1}}]", "do not begin with a slash"),
            ("[{id: a, expiration: {days: 1}}, {id: a, expiration: {days: 2}}]", "second lifecycle rule `a`"),
            ("[{id: a b, expiration: {days: 1}}]", "cannot be the id"), ("{days: 5}", "must be a list"),
            ("[{transitions: [], expiration: {days: 1}}]", "not supported"), ("[7]", "must be a mapping"),
        ])
    func mistakes(_ text: String, _ says: String) throws {
        let findings = try TestApp.findings(bucket(text))
        #expect(findings.contains { $0.description.contains(says) }, "\(findings)")
    }
}
