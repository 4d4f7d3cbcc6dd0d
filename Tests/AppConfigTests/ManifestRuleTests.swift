import AppConfig
import Testing

@Suite("Rules with a manifest")
struct ManifestRuleTests {
    private static let targets = "targets: [{function: CSVToParquet}]\n"

    @Test("the pattern takes the manifests, and the rule the events that tell of them")
    func reading() throws {
        let rule = try #require(
            try TestApp.load(
                TestApp.rule(pattern: "{source: [a]}", rest: "manifest: {timeLimit: 60}\n" + Self.targets)
            ).definition.rules.first)
        #expect(rule.manifest == ManifestDefinition(pattern: #"{"source":["a"]}"#, timeLimitSeconds: 60))
        #expect(
            rule.pattern
                == #"{"source":["sluice.manifests"],"detail-type":["Manifest Complete","Manifest Incomplete"],"resources":["arn:aws:events:local:000000000000:rule/csv-landed"]}"#
        )
    }

    @Test(
        "each mistake is named with its place",
        arguments: [
            ("pattern: {source: [a]}\nmanifest: {}", ConfigFinding.Code.missingKey, 2, 11, "no `timeLimit`"),
            ("pattern: {source: [a]}\nmanifest: {timeLimit: 0}", .invalidValue, 2, 23, "from 1 to 1209600"),
            ("pattern: {source: [a]}\nmanifest: {timeout: 5, timeLimit: 5}", .unknownKey, 2, 12, "called `timeLimit`"),
            (
                "schedule: rate(1 hour)\nmanifest: {timeLimit: 5}", .invalidValue, 2, 11,
                "either `schedule` or `manifest`"
            ),
            ("manifest: {timeLimit: 5}", .missingKey, 1, 1, "no `pattern`"),
        ])
    func mistakes(
        _ text: String, _ code: ConfigFinding.Code, _ line: Int, _ column: Int, _ says: String
    ) throws {
        let findings = try TestApp.findings(
            TestApp.files(["Events/rules/csv-landed.yaml": text + "\n" + Self.targets]))
        #expect(findings.map(\.code) == [code] && findings.first?.description.contains(says) == true, "\(findings)")
        #expect(findings.first?.line == line && findings.first?.column == column, "\(findings)")
    }
}
