import AppConfig
import Schedules
import Testing

@Suite("Alarms of an app")
struct AlarmFileTests {
    private func load(_ text: String) throws -> [AlarmDefinition] {
        try TestApp.load(TestApp.files(["Events/alarms/watch.yaml": text])).definition.alarms ?? []
    }

    @Test("defaults, and everything that can be said")
    func reading() throws {
        #expect(
            try load("metric: DeadLetters\nthreshold: 0\n") == [
                AlarmDefinition(
                    name: "watch", threshold: .init(metric: .deadLetters, threshold: 0),
                    file: "Events/alarms/watch.yaml")
            ])
        let all = try load(
            """
            alarms:
              - name: slow
                description: too slow
                bus: orders
                state: DISABLED
                metric: ErrorRate
                dimensions: {function: CSVToParquet, rule: csv-landed, target: CSVToParquet}
                threshold: 12.5
                recoveryThreshold: 5
                comparisonOperator: GreaterThanOrEqualToThreshold
                period: 300
                evaluationPeriods: 5
                datapointsToAlarm: 3
                treatMissingData: ignore
              - name: disk
                metric: FreeDiskSpace
                threshold: 2000
              - name: file
                expectedFile:
                  bucket: landing-zone
                  key: [{prefix: orders/}]
                  by: cron(0 6 ? * MON-FRI *)
                  timezone: Europe/Berlin
                  within: 7200
            """)
        #expect(all.map(\.name) == ["disk", "file", "slow"])
        #expect(all[0].threshold?.comparison == .less)
        #expect(
            all[1].expectedFile
                == AlarmDefinition.ExpectedFile(
                    bucket: "landing-zone",
                    pattern: #"{"source":["aws.s3"],"detail-type":["Object Created"],"#
                        + #""detail":{"bucket":{"name":["landing-zone"]},"object":{"key":[{"prefix":"orders/"}]}}}"#,
                    deadline: ScheduleDefinition(expression: "cron(0 6 ? * MON-FRI *)", timezone: "Europe/Berlin"),
                    withinSeconds: 7200))
        #expect(!all[2].enabled && all[2].bus == "orders")
        #expect(
            all[2].threshold
                == AlarmDefinition.Threshold(
                    metric: .errorRate,
                    dimensions: .init(function: "CSVToParquet", rule: "csv-landed", target: "CSVToParquet"),
                    comparison: .greaterOrEqual, threshold: 12.5, recoveryThreshold: 5, periodSeconds: 300,
                    evaluationPeriods: 5, datapointsToAlarm: 3, missingData: .ignore))
        #expect(
            all[2].inWords == "ErrorRate of CSVToParquet/csv-landed/CSVToParquet at or above 12.5 for 3 of 5 × 300 s")
    }

    @Test(
        "each mistake is named",
        arguments: [
            ("threshold: 1", "has no `metric`"),
            ("metric: DeadLetters", "has no `threshold`"),
            ("metric: DeadLeters\nthreshold: 1", "did you mean `DeadLetters`?"),
            ("metric: DeadLetters\nthreshold: none", "must be a number, not"),
            ("metric: DeadLetters\nthreshold: 1\nrecoveryThreshold: 2", "itself in alarm"),
            ("metric: DeadLetters\nthreshold: 1\nevaluationPeriods: 2\ndatapointsToAlarm: 3", "of only 2"),
            ("metric: DeadLetters\nthreshold: 1\nperiod: 0", "from 1 to 86400"),
            ("metric: DeadLetters\nthreshold: 1\nalarmActions: [x]", "not supported"),
            ("metric: DeadLetters\nthreshold: 1\nbus: elsewhere", "unknown event bus"),
            ("metric: DeadLetters\nthreshold: 1\ndimensions: {function: Nobody}", "unknown function `Nobody`"),
            ("metric: DeadLetters\nthreshold: 1\ndimensions: {rule: csv-lande}", "did you mean `csv-landed`?"),
            ("metric: DeadLetters\nthreshold: 1\ndimensions: {rule: csv-landed, target: x}", "has no target `x`"),
            ("metric: DeadLetters\nthreshold: 1\ndimensions: {target: x}", "without `rule`"),
            ("metric: FreeDiskSpace\nthreshold: 1\ndimensions: {rule: csv-landed}", "of the whole host"),
            ("name: a b\nmetric: DeadLetters\nthreshold: 1", "cannot be an alarm's name"),
            ("- metric: DeadLetters\n  threshold: 1", "has no `name`"),
            ("expectedFile: {bucket: landing-zone, key: a.csv}", "has no `by`"),
            ("expectedFile: {key: a.csv, by: rate(1 day)}", "has no `bucket`"),
            ("expectedFile: {bucket: landing-zone, by: rate(1 day)}", "has no `key`"),
            ("expectedFile: {bucket: nowhere-zone, key: a.csv, by: rate(1 day)}", "unknown bucket"),
            ("expectedFile: {bucket: landing-zone, key: [{sufix: a}], by: rate(1 day)}", "no valid filter"),
            ("expectedFile: {bucket: landing-zone, key: a, by: every day}", "every day"),
            ("expectedFile: {bucket: landing-zone, key: a, by: rate(1 day), timezone: Berlin}", "no time zone"),
            ("expectedFile: {bucket: landing-zone, key: a, by: rate(1 day)}\nmetric: Errors", "either `metric` or"),
            ("- {name: a, metric: Errors, threshold: 1}\n- {name: a, metric: Errors, threshold: 1}", "second alarm"),
            ("just text", "must be a mapping"),
        ])
    func mistakes(_ text: String, _ says: String) throws {
        let findings = try TestApp.findings(TestApp.files(["Events/alarms/watch.yaml": text + "\n"]))
        #expect(findings.contains { $0.description.contains(says) }, "\(findings)")
        #expect(findings.allSatisfy { $0.file == "Events/alarms/watch.yaml" }, "\(findings)")
    }
}

@Suite("Webhook and command targets")
struct OutsideTargetTests {
    private func target(_ text: String) throws -> TargetDefinition? {
        try TestApp.load(TestApp.rule(pattern: "{source: [a]}", rest: "targets:\n  - \(text)"))
            .definition.rules.first?.targets.first
    }

    @Test("what can be said, and the defaults")
    func reading() throws {
        let hook = try #require(try target("webhook: {url: \"https://u:p@example.com:8443/a?t=1\"}"))
        #expect(hook.id == "webhook" && hook.function == "webhook:csv-landed:webhook" && hook.isOutside)
        #expect(hook.webhook == WebhookDefinition(url: "https://u:p@example.com:8443/a?t=1"))
        #expect(hook.webhook?.shownURL == "https://example.com:8443/a")
        // A URL that is a secret itself is never shown.
        let hidden = try #require(try target("webhook: {url: {fromEnvironment: PATH}}")?.webhook)
        #expect(hidden == WebhookDefinition(url: "", secretURL: .environment("PATH")))
        #expect(hidden.shownURL == "the URL in the variable PATH")
        #expect(WebhookDefinition.origin(of: "https://u:p@h.example:1/T0/secret?a") == "https://h.example:1")
        let all = try #require(
            try target(
                """
                id: notify
                    webhook:
                      url: http://localhost/x
                      method: PUT
                      headers: {X-A: one, Authorization: {fromEnvironment: PATH}, X-Key: {fromFile: /dev/null}}
                      timeout: 5
                      concurrency: 2
                      caFile: /dev/null
                    batchSize: 10
                    rateLimit: 5/s
                """))
        #expect(all.id == "notify" && all.function == "webhook:csv-landed:notify" && all.batchSize == 10)
        #expect(
            all.webhook
                == WebhookDefinition(
                    url: "http://localhost/x", method: .put,
                    headers: [
                        .init(name: "X-A", value: .literal("one")),
                        .init(name: "Authorization", value: .environment("PATH")),
                        .init(name: "X-Key", value: .file("/dev/null")),
                    ], timeoutSeconds: 5, concurrency: 2, caFile: "/dev/null"))
        let command = try #require(try target("command: [sh, -c, \"cat > x\"]")?.command)
        #expect(command.program.hasSuffix("/sh") && command.arguments == ["-c", "cat > x"])
        let full = try #require(
            try target(
                "command: {run: [/bin/sh], environment: {A: b, T: {fromEnvironment: HOME}}, timeout: 2, concurrency: 3}"
            )?
            .command)
        #expect(
            full
                == CommandDefinition(
                    program: "/bin/sh", environment: ["A": .literal("b"), "T": .environment("HOME")], timeoutSeconds: 2,
                    concurrency: 3))
    }

    @Test(
        "each mistake is named, and no secret is",
        arguments: [
            ("webhook: {}", "has no `url`"),
            ("webhook: {url: {fromEnvironment: A, fromFile: b}}", "either `fromEnvironment` or `fromFile`"),
            ("webhook: {url: [https://x/]}", "must be a text"),
            ("webhook: {url: \"ftp://x/\"}", "no http or https URL"),
            ("webhook: {url: \"https:///path?secret\"}", "names no host"),
            ("webhook: {url: \"https://ü.example/\"}", "characters that a URL cannot have"),
            ("webhook: {url: \"https://a/\", method: POTS}", "one of POST"),
            ("webhook: {url: \"https://a/\", timeout: 0}", "from 0.1 to 300"),
            ("webhook: {url: \"https://a/\", headers: {\"a b\": c}}", "cannot be the name of a header"),
            ("webhook: {url: \"https://a/\", headers: {Host: c}}", "belongs to the connection"),
            ("webhook: {url: \"https://a/\", headers: {A: \"secret\\r\\nB: c\"}}", "line feed"),
            ("webhook: {url: \"https://a/\", headers: {A: {}}}", "either `fromEnvironment` or"),
            ("webhook: {url: \"https://a/\", headers: {A: [b]}}", "must be a text"),
            ("webhook: {url: \"https://a/\", body: x}", "not supported"),
            ("webhook: {url: \"https://a/\", cacert: x}", "called `caFile`"),
            ("command: []", "names no program"),
            ("command: [no-such-program-here]", "can be executed"),
            ("command: [./missing.sh]", "can be executed"),
            ("command: {run: [/bin/sh], environment: {SLUICE_X: y}}", "belongs to the host"),
            ("command: {args: [a]}", "called `run`"),
            ("command: notify-send", "a list of a program and its arguments"),
            ("{function: CSVToParquet, webhook: {url: \"https://a/\"}}", "a target has one of"),
            ("{command: [sh], webhook: {url: \"https://a/\"}}", "a target has one of"),
        ])
    func mistakes(_ text: String, _ says: String) throws {
        let findings = try TestApp.findings(TestApp.rule(pattern: "{source: [a]}", rest: "targets:\n  - \(text)"))
        #expect(findings.contains { $0.description.contains(says) }, "\(findings)")
        #expect(!findings.contains { $0.description.contains("secret") }, "\(findings)")
    }

    @Test("what is missing at the moment, and secrets in the file, are warned of")
    func warnings() throws {
        let warnings = try TestApp.load(
            TestApp.rule(
                pattern: "{source: [a]}",
                rest: """
                    targets:
                      - webhook:
                          url: https://a/
                          headers:
                            Authorization: hunter2
                            A: {fromEnvironment: NO_SUCH_VARIABLE_HERE}
                            B: {fromFile: no/such/file}
                          caFile: no/such/certificates
                    """)
        ).warnings.map(\.description)
        #expect(warnings.count == 4, "\(warnings)")
        #expect(!warnings.contains { $0.contains("hunter2") })
    }
}
