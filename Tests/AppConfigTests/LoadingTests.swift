import AppConfig
import Foundation
import Testing

@Suite("Loading an app")
struct LoadingTests {
    @Test("Rules may be JSON; files that are not read are told, notes are not")
    func otherFiles() throws {
        let app = try TestApp.load(
            TestApp.files([
                "Events/rules/more/as-json.json":
                    #"{"pattern": {"source": ["x"]}, "targets": [{"function": "CSVToParquet"}]}"#,
                "Events/rules/backup.yaml.old": "pattern: {}", "Events/schedules/README.md": "notes",
                "Events/schedules/nightly.txt": "schedule: rate(1 day)",
            ]))
        #expect(app.definition.rules.map(\.name) == ["as-json", "csv-landed"])
        let warned = app.warnings.filter { $0.message.contains("is not read") }.map(\.file)
        #expect(warned.sorted() == ["Events/rules/backup.yaml.old", "Events/schedules/nightly.txt"])
    }

    @Test("A small app loads with the defaults filled in")
    func defaults() throws {
        let app = try TestApp.load(TestApp.files())
        let definition = app.definition
        #expect(app.warnings.isEmpty)
        #expect(definition.buckets.map(\.name) == ["clean-zone", "landing-zone"])
        #expect(definition.buckets.allSatisfy { $0.existing == .ignore && $0.quietSeconds == 2 && $0.path == nil })
        #expect(definition.buses.map(\.name) == ["default", "orders"])
        #expect(definition.limits == LimitsDefinition())
        #expect(definition.retention == RetentionDefinition())
        let function = try #require(definition.function(named: "CSVToParquet"))
        #expect(function.timeoutSeconds == 60)
        #expect(function.initTimeoutSeconds == 10)
        #expect(function.memoryMegabytes == 512)
        #expect(function.reservedConcurrency == nil)
        #expect(function.configuration == "{}")
        #expect(function.logLevel == .info)
        #expect(function.inputFormat == .eventBridge)
        #expect(function.grants.mayRead(bucket: "landing-zone"))
        #expect(!function.grants.mayWrite(bucket: "landing-zone"))
        let rule = try #require(definition.rules.first)
        #expect(rule.name == "csv-landed")
        #expect(rule.bus == "default")
        #expect(rule.enabled)
        #expect(
            rule.pattern
                == #"{"source":["aws.s3"],"detail-type":["Object Created"],"detail":{"bucket":{"name":["landing-zone"]},"#
                + #""object":{"key":[{"suffix":".csv"}]}}}"#)
        let target = try #require(rule.targets.first)
        #expect(target.id == "CSVToParquet")
        #expect(target.batchSize == 1)
        #expect(target.retry == RetryPolicy())
        #expect(target.retry.maximumRetryAttempts == 2)
        #expect(target.retry.maximumEventAgeSeconds == 21600)
        #expect(target.retry.maxDelaySeconds == 300)
    }

    @Test("Every key of sluice.yaml")
    func hostKeys() throws {
        let definition = try TestApp.load(
            TestApp.files([
                "sluice.yaml": """
                buckets:
                  landing-zone:
                    existing: trigger
                    ignore: ["*.bak", "_tmp/"]
                    quiet: 0.5
                  clean-zone:
                    path: /srv/clean
                  curated-zone:
                    path: zones/curated
                buses:
                  default:
                  orders: {}
                limits: {concurrency: 8, minFree: 1024, keepInput: 10, hopBudget: 4}
                logs: {retentionDays: 3}
                archive: {retentionDays: 30}
                """
            ])
        ).definition
        #expect(
            definition.bucket(named: "landing-zone")
                == BucketDefinition(
                    name: "landing-zone", existing: .trigger, ignore: ["*.bak", "_tmp/"], quietSeconds: 0.5))
        #expect(definition.bucket(named: "clean-zone")?.path == "/srv/clean")
        let curated = try #require(definition.bucket(named: "curated-zone")?.path)
        #expect(curated.hasPrefix("/") && curated.hasSuffix("/zones/curated"))
        #expect(definition.buses.map(\.name) == ["default", "orders"])
        #expect(
            definition.limits
                == LimitsDefinition(concurrency: 8, minFreeMegabytes: 1024, keepInputMegabytes: 10, hopBudget: 4))
        #expect(definition.retention == RetentionDefinition(logDays: 3, archiveDays: 30))
    }

    @Test("Every key of function.yaml")
    func functionKeys() throws {
        let definition = try TestApp.load(
            TestApp.files([
                "Functions/CSVToParquet/function.yaml": """
                description: all keys
                timeout: 1.5
                initTimeout: 3
                memorySize: 256
                reservedConcurrency: 4
                environment:
                  PORT: 8080
                  COUNTRY: no
                  ACCOUNT: 012345678901
                  EMPTY:
                  TEXT: "a b"
                grants:
                  read: [landing-zone, clean-zone]
                  write: ["*"]
                  events: [orders, default]
                configuration:
                  rules: [{column: id, required: true, max: 1e3}]
                  text: "12"
                  none: null
                logLevel: debug
                inputFormat: s3-notification
                module: build/lib.so
                """
            ])
        ).definition
        let function = try #require(definition.function(named: "CSVToParquet"))
        #expect(function.description == "all keys")
        #expect(function.timeoutSeconds == 1.5)
        #expect(function.initTimeoutSeconds == 3)
        #expect(function.memoryMegabytes == 256)
        #expect(function.reservedConcurrency == 4)
        #expect(
            function.environment == [
                "PORT": "8080", "COUNTRY": "no", "ACCOUNT": "012345678901", "EMPTY": "", "TEXT": "a b",
            ])
        #expect(function.grants.read == ["clean-zone", "landing-zone"])
        #expect(function.grants.mayWrite(bucket: "anything"))
        #expect(function.grants.events == ["default", "orders"])
        #expect(
            function.configuration
                == #"{"rules":[{"column":"id","required":true,"max":1e3}],"text":"12","none":null}"#)
        #expect(function.logLevel == .debug)
        #expect(function.inputFormat == .s3Notification)
        #expect(function.module?.hasSuffix("/build/lib.so") == true)
    }

    @Test("Every key of a rule and its targets; a list of rules in one file")
    func ruleKeys() throws {
        let definition = try TestApp.load(
            TestApp.files([
                "Events/rules/csv-landed.yaml": """
                - name: first
                  description: the first
                  bus: orders
                  state: DISABLED
                  pattern: '{"source": ["shop"]}'
                  targets:
                    - id: a
                      function: CSVToParquet
                      inputFormat: s3-notification
                      batchSize: 100
                      retryPolicy:
                        maximumRetryAttempts: 5
                        maximumEventAgeInSeconds: 60
                        intervalSeconds: 0.5
                        backoffRate: 2
                        maxDelaySeconds: 20
                        jitterStrategy: NONE
                    - id: b
                      function: CSVToParquet
                - name: second
                  pattern: {source: [x]}
                  targets: [{function: CSVToParquet}]
                """,
                "Events/rules/more/listed.yml": """
                rules:
                  - name: third
                    pattern: {source: [y]}
                    targets: [{function: CSVToParquet}]
                """,
            ])
        ).definition
        #expect(definition.rules.map(\.name) == ["second", "third", "first"])
        let rule = try #require(definition.rules.last)
        #expect(rule.description == "the first")
        #expect(rule.bus == "orders")
        #expect(!rule.enabled)
        #expect(rule.pattern == #"{"source": ["shop"]}"#)
        #expect(rule.targets.map(\.id) == ["a", "b"])
        #expect(rule.targets[0].inputFormat == .s3Notification)
        #expect(rule.targets[0].batchSize == 100)
        #expect(
            rule.targets[0].retry
                == RetryPolicy(
                    maximumRetryAttempts: 5, maximumEventAgeSeconds: 60, intervalSeconds: 0.5, backoffRate: 2,
                    maxDelaySeconds: 20, jitter: .none))
    }

    @Test("A definition survives its JSON, and does not depend on comments and lines")
    func codable() throws {
        let first = try TestApp.load(TestApp.files()).definition
        var files = TestApp.files()
        files["sluice.yaml"] = "# a comment\n\n" + (files["sluice.yaml"] ?? "")
        let second = try TestApp.load(files).definition
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(try encoder.encode(first) == encoder.encode(second))
        #expect(try JSONDecoder().decode(AppDefinition.self, from: encoder.encode(first)) == first)
    }

    @Test("Empty files and no sluice.yaml are fine")
    func empty() throws {
        let app = try TestApp.load([
            "Functions/Empty/function.yaml": "", "Functions/Notes/README.md": "no function",
            "Events/rules/none.yaml": "# nothing yet\n",
        ])
        #expect(app.definition.functions.map(\.name) == ["Empty"])
        #expect(app.warnings.map(\.code) == [.suspicious])
        #expect(app.warnings.first?.file == "Events/rules/none.yaml")
    }

    @Test("A function that may write where it is triggered gives a warning")
    func loop() throws {
        let app = try TestApp.load(
            TestApp.files(["Functions/CSVToParquet/function.yaml": "grants: {write: [landing-zone]}"]))
        #expect(app.warnings.map(\.code) == [.possibleLoop])
        #expect(app.warnings.first?.line == 10)
    }
}
