import AppConfig
import EventModel
import EventPatterns
import FunctionProtocol
import Journal
import SluiceRuntime
import Testing

@Suite("Catalog tables")
struct TableDefinitionTests {
    private func request(_ columns: [(String, String)], base: Int = 0) -> RegisterFileRequest {
        RegisterFileRequest(
            database: "d", table: "t", baseVersion: base,
            columns: columns.map { CatalogColumn(name: $0.0, type: $0.1) },
            location: "clean-zone/d/t/", properties: ["owner": "team"],
            file: ObjectAddress(bucket: "clean-zone", key: "k"),
            rows: 1)
    }

    @Test("the first file makes version 1, new columns make the next")
    func evolution() throws {
        let first = try TableDefinition.registering(request([("a", "bigint")]), into: nil, at: "t1")
        #expect(first.version == 1)
        let same = try TableDefinition.registering(request([("a", "bigint")], base: 1), into: first, at: "t2")
        #expect(same == first)
        let wider = try TableDefinition.registering(
            request([("a", "bigint"), ("b", "string")], base: 1), into: first, at: "t3")
        #expect(wider.version == 2)
        #expect(wider.columns.map(\.name) == ["a", "b"])
        let narrow = try TableDefinition.registering(request([("a", "bigint")], base: 1), into: wider, at: "t4")
        #expect(narrow.version == 2)
    }

    @Test("a column never changes its type")
    func mismatch() throws {
        let table = try TableDefinition.registering(request([("a", "bigint")]), into: nil, at: "t")
        #expect(throws: TableDefinition.Refusal.mismatch("column a of table d.t is bigint, the file has string")) {
            try TableDefinition.registering(request([("a", "string")], base: 1), into: table, at: "t")
        }
    }

    @Test("a file written against an older schema is converted again, not refused")
    func conflict() throws {
        let table = try TableDefinition.registering(request([("a", "bigint")]), into: nil, at: "t")
        #expect(throws: TableDefinition.Refusal.conflict("column a of table d.t is bigint, the file has string")) {
            try TableDefinition.registering(request([("a", "string")], base: 0), into: table, at: "t")
        }
    }
}

@Suite("Subscription plan")
struct SubscriptionPlanTests {
    private func app(_ rules: [(name: String, target: String)]) -> AppDefinition {
        AppDefinition(
            functions: [FunctionDefinition(name: "F"), FunctionDefinition(name: "G")],
            rules: rules.map {
                RuleDefinition(
                    name: $0.name, pattern: "{}", targets: [TargetDefinition(id: $0.target, function: $0.target)])
            })
    }

    @Test("a subscription survives an edit of its rule, and gets a new id when it is new")
    func identity() {
        let known = [SubscriptionRecord(id: SubscriptionID(7), log: "default", rule: "r", target: "F")]
        let plan = SubscriptionPlan(
            app: app([("r", "F"), ("r2", "G")]), before: [], known: known, next: SubscriptionID(8)
        ) { _ in false }
        #expect(plan.subscriptions.map(\.id) == [SubscriptionID(7), SubscriptionID(8)])
        #expect(plan.removed.isEmpty)
    }

    @Test("a removed rule with a backlog drains, one without goes")
    func removal() {
        let before = SubscriptionPlan(
            app: app([("r", "F"), ("s", "G")]), before: [], known: [], next: SubscriptionID(1)
        ) { _ in false }
        let records = before.records
        let plan = SubscriptionPlan(
            app: AppDefinition(), before: before.subscriptions, known: records, next: SubscriptionID(3)
        ) {
            $0 == SubscriptionID(1)
        }
        #expect(plan.subscriptions.map(\.id) == [SubscriptionID(1)])
        #expect(plan.subscriptions.first?.draining == true)
        #expect(plan.removed == [SubscriptionID(2)])
        #expect(plan.orphans(app: AppDefinition()) == ["F"])
    }

    @Test(
        "a manifest rule that goes leaves its targets for what it may still take, but not one that it had lost before")
    func manifests() throws {
        let name = ManifestRuleName(bus: "default", rule: "r")
        func plan(
            _ targets: [String], after before: SubscriptionPlan?, awaiting: Set<ManifestRuleName> = [name],
            backlog: Set<SubscriptionID> = []
        ) -> SubscriptionPlan {
            var app = app(targets.map { ("r", $0) })
            app.rules =
                app.rules.first.map { rule in
                    var rule = rule
                    rule.targets = app.rules.flatMap(\.targets)
                    rule.manifest = ManifestDefinition(pattern: #"{"source":["aws.s3"]}"#, timeLimitSeconds: 60)
                    return [rule]
                } ?? []
            return SubscriptionPlan(
                app: app, before: before?.subscriptions ?? [], known: before?.records ?? [], next: SubscriptionID(3),
                awaiting: awaiting, hasBacklog: backlog.contains)
        }
        func told(_ plan: SubscriptionPlan) throws -> [SubscriptionID] {
            let rules = try RuleSet(
                Deployment(
                    ruleSet: 1, digest: "", appFolder: "", deployed: 0, app: AppDefinition(), functions: [:],
                    subscriptions: plan.subscriptions))
            let router = EventRouter()
            router.prepare(rules)
            router.activate(1)
            let event =
                #"{"source":"sluice.manifests","detail-type":"Manifest Complete","resources":["\#(RuleARN.of(rule: "r", bus: "default"))"]}"#
            return router.route(Array(event.utf8), reading: .strict, bus: "default").subscriptions
        }
        let both = plan(["F", "G"], after: nil)
        let (f, g) = (both.subscriptions[0].id, both.subscriptions[1].id)
        let gone = plan([], after: both)
        #expect(try told(gone) == [f, g])
        #expect(plan([], after: gone, awaiting: []).removed == [f, g])
        // One that its rule goes on without has what it had, and nothing more.
        let one = plan(["F"], after: both, backlog: [g])
        #expect(one.subscriptions.map(\.draining) == [false, true])
        #expect(one.subscriptions.last?.awaitsManifest == true)
        let none = plan([], after: one, backlog: [g])
        #expect(try none.subscriptions.map(\.id) == [f, g] && told(none) == [f])
        #expect(plan([], after: one).removed == [g])
        // Until it has it back.
        #expect(try told(plan([], after: plan(["F", "G"], after: one), backlog: [])) == [f, g])
    }

    @Test("Of the manifests that are not complete only those of its own rule are refused", arguments: ["r", "other"])
    func refusals(_ rule: String) throws {
        let settings = SubscriptionSettings(
            id: SubscriptionID(1), bus: "default", rule: "r", target: "F", function: "F", inputFormat: .eventBridge,
            awaitsManifest: true, batchSize: 1, retry: RetryPolicy())
        let event = Array(
            #"""
            {"source":"sluice.manifests","detail-type":"Manifest Incomplete","detail":{"missing":["a"],"files":[1]},\#
            "resources":["\#(RuleARN.of(rule: rule, bus: "default"))","arn:aws:s3:::landing"]}
            """#.utf8)
        let given = Result { () throws(Failure) in
            try HandlerInputs().input(of: event, ingested: 0, settings: settings)
        }
        switch given {
        case .success(let input): #expect(rule == "other" && input == event)
        case .failure(let failure): #expect(rule == "r" && failure.code == "ManifestIncomplete")
        }
    }
}

@Suite("Rules in force")
struct RulesInForceTests {
    private func deployment(isBatch: Bool, _ change: (inout SubscriptionSettings) -> Void = { _ in }) -> Deployment {
        var version = FunctionVersion(
            name: "F", version: 1, digest: "", modulePath: "", definition: FunctionDefinition(name: "F"), created: 0)
        version.isBatch = isBatch
        var settings = SubscriptionSettings(
            id: SubscriptionID(1), bus: "default", rule: "r", target: "F", function: "F", inputFormat: .eventBridge,
            batchSize: 10, retry: RetryPolicy(), draining: true)
        change(&settings)
        return Deployment(
            ruleSet: 1, digest: "", appFolder: "", deployed: 0, app: AppDefinition(), functions: ["F": version],
            subscriptions: [settings])
    }

    @Test("what takes one event is never given several, whatever its subscription was made with")
    func counts() {
        func count(_ deployment: Deployment) -> Int {
            deployment.rules(of: deployment.subscriptions[0]).batch.count
        }
        #expect(count(deployment(isBatch: true)) == 10)
        #expect(count(deployment(isBatch: false)) == 1)
        #expect(count(deployment(isBatch: false) { $0.inputFormat = .kinesis }) == 10)
        #expect(count(deployment(isBatch: false) { $0.forward = ForwardDefinition(kind: .stream, name: "s") }) == 10)
        var replays = deployment(isBatch: true)
        replays.functions["F"]?.isBatch = false
        replays.replays.subscriptions = replays.subscriptions
        #expect(replays.rules(of: replays.replays.subscriptions[0]).batch.count == 1)
    }
}

@Suite("Lineage")
struct LineageTests {
    @Test("the cycle of a loop is the shortest repeating tail")
    func cycle() {
        func hop(_ rule: String) -> Lineage.Hop {
            Lineage.Hop(event: "e", rule: rule, function: "F-\(rule)", subject: "bucket/\(rule)")
        }
        var lineage = Lineage().adding(hop("start"))
        for _ in 0..<7 { lineage = lineage.adding(hop("a")).adding(hop("b")) }
        #expect(lineage.cycle.map(\.rule) == ["a", "b"])
        #expect(lineage.hops.count == 15)
        #expect(lineage.adding(hop("a")).hops.count == 16)
    }
}
