import AppConfig
import FunctionJSON
import HostAPI
import Journal
import SluiceRuntime
import Testing

@Suite("Plans of replays")
struct ReplayPlanTests {
    private func version(_ name: String, _ number: Int) -> FunctionVersion {
        FunctionVersion(
            name: name, version: number, digest: "\(number)", modulePath: "/f/\(name).so",
            definition: FunctionDefinition(name: name), created: 0)
    }

    private var deployment: Deployment {
        var app = AppDefinition()
        app.buses = [BusDefinition(name: "default")]
        func rule(_ name: String, _ functions: [String], enabled: Bool = true) -> RuleDefinition {
            RuleDefinition(
                name: name, enabled: enabled, pattern: "{\"source\": [\"\(name)\"]}",
                targets: functions.map { TargetDefinition(id: $0, function: $0) }, file: "")
        }
        app.rules = [rule("a", ["F", "G"]), rule("b", ["G"]), rule("off", ["F"], enabled: false)]
        app.rules.append(
            RuleDefinition(name: "told", enabled: true, pattern: "{\"source\": [\"told\"]}", targets: [], file: ""))
        var subscriptions: [SubscriptionSettings] = []
        for rule in app.rules {
            for target in rule.targets {
                subscriptions.append(
                    SubscriptionSettings(
                        id: SubscriptionID(Int64(subscriptions.count + 1)), bus: "default", rule: rule.name,
                        target: target.id, function: target.function, inputFormat: .eventBridge, batchSize: 1,
                        retry: RetryPolicy(), draining: !rule.enabled))
            }
        }
        subscriptions.append(
            SubscriptionSettings(
                id: SubscriptionID(9), bus: "default", rule: "told", target: "hook", function: "command:told/hook",
                inputFormat: .eventBridge, batchSize: 1, retry: RetryPolicy(),
                command: CommandDefinition(program: "/bin/true")))
        return Deployment(
            ruleSet: 1, digest: "", appFolder: "", deployed: 0, app: app,
            functions: ["F": version("F", 2), "G": version("G", 1)], subscriptions: subscriptions)
    }

    @Test("A target that is no function, by its name among them")
    func outside() throws {
        var deployment = deployment
        let name = TargetDefinition.outsideName(kind: "webhook", bus: "default", rule: "b", id: "hook")
        deployment.subscriptions[2].function = name
        deployment.subscriptions[2].forward = ForwardDefinition(kind: .bus, name: "default")
        var request = ReplayRequest(name: "r", from: .init(milliseconds: 0), to: .init(milliseconds: 10))
        request.function = name
        let plan = try ReplayPlan(request, deployment, known: [], next: SubscriptionID(50))
        #expect(plan.paths.map(\.original?.value) == [3] && plan.paths[0].settings.function == name)
    }

    @Test("Why a target that is no function cannot be replayed to is told, by the name that commands have for it")
    func outsideRefused() {
        let name = TargetDefinition.outsideName(kind: "bus", bus: "default", rule: "b", id: "hook")
        func reason(
            _ change: (inout ReplayRequest) -> Void, enabled: Bool = true, on bus: String = "default"
        ) -> String {
            var deployment = deployment
            deployment.app.buses.append(BusDefinition(name: "other"))
            let forward = ForwardDefinition(kind: .bus, name: "default")
            deployment.app.rules[1].targets[0] = TargetDefinition(id: "hook", function: name)
            deployment.app.rules[1].targets[0].forward = forward
            (deployment.app.rules[1].enabled, deployment.app.rules[1].bus) = (enabled, bus)
            deployment.subscriptions[2].target = "hook"
            deployment.subscriptions[2].function = name
            deployment.subscriptions[2].forward = forward
            (deployment.subscriptions[2].draining, deployment.subscriptions[2].bus) = (!enabled, bus)
            var request = ReplayRequest(name: "r", from: .init(milliseconds: 0), to: .init(milliseconds: 10))
            request.function = name
            change(&request)
            do throws(APIError) {
                _ = try ReplayPlan(request, deployment, known: [], next: SubscriptionID(50))
                return "there is somebody"
            } catch {
                return error.message
            }
        }
        #expect(reason { _ in } == "there is somebody")
        #expect(reason { $0.rules = ["b"] } == "there is somebody")
        #expect(reason { $0.dryRun = true } == "b/hook is no function, and a dry run asks nobody outside")
        #expect(reason { $0.rules = ["a"] } == "b/hook is a target of rule b, which --rule leaves out")
        #expect(reason({ _ in }, enabled: false) == "b/hook has nobody to go to: rule b is disabled")
        #expect(reason({ _ in }, on: "other") == "b/hook is a target on bus other, not on default")
    }

    private func plan(_ change: (inout ReplayRequest) -> Void) throws(APIError) -> ReplayPlan {
        var request = ReplayRequest(name: "r", from: .init(milliseconds: 0), to: .init(milliseconds: 10))
        change(&request)
        return try ReplayPlan(
            request, deployment, known: [version("F", 1), version("F", 2), version("G", 1)],
            next: request.dryRun ? nil : SubscriptionID(50))
    }

    private func paths(_ plan: ReplayPlan) -> [String] {
        plan.paths.map { "\($0.settings.rule)>\($0.settings.function)#\($0.original?.value ?? 0)" }
    }

    @Test("All enabled rules, chosen ones, one function, one version")
    func choosing() throws {
        let all = try plan { _ in }
        #expect(paths(all) == ["a>F#1", "a>G#2", "b>G#3", "told>command:told/hook#9"])
        #expect(all.paths.map(\.settings.id.value) == [50, 51, 52, 53])
        #expect(try paths(plan { $0.rules = ["b"] }) == ["b>G#3"])
        #expect(try paths(plan { $0.function = "G" }) == ["a>G#2", "b>G#3"])
        let old = try plan { $0.function = "F@1" }
        #expect(paths(old) == ["a>F@1#1"] && old.versions["F@1"]?.version == 1)
        // The version in force needs no name of its own.
        let current = try plan { $0.function = "F@2" }
        #expect(paths(current) == ["a>F#1"] && current.versions.isEmpty)
        // Another function in the rule's place.
        #expect(try paths(plan { ($0.function, $0.rules) = ("F", ["b"]) }) == ["b>F#3"])
        // A dry run keeps the subscriptions that it compares with.
        #expect(try plan { $0.dryRun = true }.paths.map(\.settings.id.value) == [1, 2, 3])
    }

    @Test("What cannot be is refused before anything is written")
    func refused() {
        let wrong: [(inout ReplayRequest) -> Void] = [
            { $0.name = "" }, { $0.name = "a b" }, { $0.name = String(repeating: "x", count: 65) },
            { $0.to = $0.from }, { $0.bus = "nowhere" }, { $0.rules = ["c"] }, { $0.function = "H" },
            { $0.function = "F@7" }, { $0.function = "F@" }, { $0.rate = 0 }, { $0.rate = 1e300 },
            { $0.rate = .nan }, { $0.examples = -1 }, { $0.examples = 10_001 }, { $0.rules = ["off"] },
        ]
        for change in wrong { #expect(throws: APIError.self) { try plan(change) } }
    }

    @Test("Where there is nobody to replay to, the reason is told")
    func nobody() {
        func reason(_ change: (inout ReplayRequest) -> Void) -> String {
            do throws(APIError) {
                _ = try plan(change)
                return "there is somebody"
            } catch {
                return error.message
            }
        }
        #expect(reason { $0.rules = ["off"] }.contains("rule off is disabled"))
        let outside = reason { ($0.rules, $0.dryRun) = (["told"], true) }
        #expect(outside.contains("rule told has no function among its targets"), "\(outside)")
        #expect(reason { $0.rules = ["told"] } == "there is somebody")
        let both = reason { ($0.rules, $0.dryRun) = (["told", "off"], true) }
        #expect(both.contains("told") && both.contains("off is disabled"), "\(both)")
    }

    @Test("A record counts what it replayed, and looks at its range alone")
    func record() throws {
        let plan = try plan { _ in }
        var replay = ReplayRecord(
            request: ReplayRequest(name: "r", from: .init(milliseconds: 5), to: .init(milliseconds: 10)), started: 0,
            paths: plan.paths, versions: [:], first: 100, last: 200)
        func stored(_ position: Int64, _ ingested: Int64) -> StoredRecord {
            StoredRecord(
                position: position, log: "default", eventID: "e", ingested: ingested, payload: [], lineage: [],
                deliveries: [])
        }
        #expect(replay.admits(stored(101, 5)) && replay.admits(stored(200, 9)))
        #expect(!replay.admits(stored(101, 4)) && !replay.admits(stored(101, 10)) && !replay.admits(stored(201, 5)))
        replay.count([(stored(150, 7), 2), (stored(151, 6), 1)], upTo: 160)
        #expect(replay.replayed == 2 && replay.deliveries == 3 && replay.lastReplayed == 7 && replay.cursor == 160)
        #expect(!replay.admits(stored(160, 7)) && !replay.isThrough)
        // As the next life reads it.
        let again = try TapeDecoder().decode(ReplayRecord.self, from: TapeEncoder().encode(replay))
        #expect(again.cursor == 160 && again.paths.count == 4 && again.isOpen && again.state == .running)
    }

    @Test("Findings add up, and no more differences are kept than were asked for")
    func findings() {
        var report = ShadowReport()
        var finding = ShadowFinding()
        for change in [ShadowDifference.Change.same, .changed, .added, .unknown] {
            finding.differences.append(
                ShadowDifference(
                    kind: "object", change: change, subject: "b/k", event: "e", rule: "r", function: "f",
                    rows: change == .changed ? RowDifference(added: 1, removed: 2, changed: 3) : nil))
        }
        finding.differences.append(
            ShadowDifference(kind: "failure", change: .added, subject: "Boom", event: "e", rule: "r", function: "f"))
        report.add(finding, examples: 3)
        report.add(finding, examples: 3)
        #expect(report.objects.same == 2 && report.objects.differences == 4 && report.objects.unknown == 2)
        #expect(report.rows.added == 2 && report.rows.changed == 6 && report.failures.added == 2)
        #expect(report.differences.count == 3 && !report.isEqual)
        // What is the same is never told.
        #expect(report.tellable == 8 && ShadowReport().tellable == 0)
        #expect(ShadowReport().isEqual)
    }

    @Test("A run that fails in another way than the original is a difference")
    func otherFailure() {
        var report = ShadowReport()
        var finding = ShadowFinding()
        finding.differences = [
            ShadowDifference(
                kind: "failure", change: .changed, subject: "New", note: "Old -> New", event: "e", rule: "r",
                function: "f")
        ]
        report.add(finding, examples: 3)
        #expect(report.failures.changed == 1 && !report.isEqual && report.differences.count == 1)
    }

    @Test("What differences say is cut, one by one and together")
    func bounds() throws {
        let long = String(repeating: "ä", count: 100_000)
        let one = ShadowDifference(
            kind: "event", change: .changed, subject: "s", note: long, event: "e", rule: "r", function: "f",
            rows: RowDifference(
                added: 1,
                examples: [
                    .init(change: "changed", before: [long, nil, "x"], after: Array(repeating: long, count: 900))
                ])
        ).bounded()
        let note = try #require(one.note)
        #expect(note.utf8.count <= ShadowDifference.noteBytes && note.hasSuffix("ä…"))
        let example = try #require(one.rows?.examples.first)
        #expect(example.before?.count == 3 && example.before?[1] == nil && (example.after?.count ?? 0) < 300)
        #expect((example.before?[0]?.utf8.count ?? 0) < 100)
        #expect(ShadowDifference.cut("short", to: 5) == "short" && ShadowDifference.cut("shorter", to: 5) == "sh…")
        var report = ShadowReport()
        var finding = ShadowFinding()
        finding.differences = Array(repeating: one, count: 10_000)
        report.add(finding, examples: 10_000)
        #expect(report.events.changed == 10_000 && report.differences.count > 100)
        #expect(try TapeEncoder().encode(report).count < 2 * ShadowReport.differenceBytes)
    }
}
