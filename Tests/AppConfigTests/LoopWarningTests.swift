import AppConfig
import Testing

@Suite("Warnings of possible loops")
struct LoopWarningTests {
    private static let host = """
        buckets: {landing-zone: , clean-zone: , curated-zone: }
        buses: {orders: , outcomes: }
        """

    private func rule(_ name: String, _ pattern: String, _ target: String, bus: String = "default") -> (String, String)
    {
        (
            "Events/rules/\(name).yaml",
            "name: \(name)\nbus: \(bus)\npattern: \(pattern)\ntargets: [\(target)]\n"
        )
    }

    private func objects(_ bucket: String, _ more: String = "") -> String {
        "{source: [aws.s3], detail-type: [Object Created], detail: {bucket: {name: [\(bucket)]}\(more)}}"
    }

    private func warnings(_ functions: [String: String], _ rules: [(String, String)]) throws -> [String] {
        var files = ["sluice.yaml": Self.host]
        for (name, text) in functions { files["Functions/\(name)/function.yaml"] = text }
        for (path, text) in rules { files[path] = text }
        return try TestApp.load(files).warnings.filter { $0.code == .possibleLoop }.map(\.message)
    }

    @Test("a function that may write where its own rule listens")
    func one() throws {
        let found = try warnings(
            ["F": "grants: {write: [clean-zone, landing-zone]}"], [rule("r", objects("landing-zone"), "{function: F}")])
        #expect(
            found == ["possible loop: rule r → F → bucket landing-zone → rule r; the hop budget would end it"])
    }

    @Test("several hops, through objects, events and outcomes: the whole way is told, once")
    func several() throws {
        let found = try warnings(
            [
                "A": "grants: {write: [clean-zone]}", "B": "grants: {events: [orders]}",
                "C": "onFailure: {bus: outcomes}", "D": "grants: {write: ['*']}",
            ],
            [
                rule("a", objects("landing-zone"), "{function: A}"), rule("b", objects("clean-zone"), "{function: B}"),
                rule("c", "{source: [shop]}", "{function: C}", bus: "orders"),
                rule(
                    "d", "{source: [lambda], detail-type: [Lambda Function Invocation Result - Failure]}",
                    "{function: D}", bus: "outcomes"),
            ])
        #expect(
            found == [
                "possible loop: rule a → A → bucket clean-zone → rule b → B → events on bus orders → rule c → C → "
                    + "failure of C on bus outcomes → rule d → D → bucket landing-zone → rule a; the hop budget would end it",
                "possible loop: rule b → B → events on bus orders → rule c → C → failure of C on bus outcomes → "
                    + "rule d → D → bucket clean-zone → rule b; the hop budget would end it",
            ])
    }

    @Test("deletions are events, too")
    func deletions() throws {
        let deleted = "{source: [aws.s3], detail-type: [Object Deleted], detail: {bucket: {name: [clean-zone]}}}"
        #expect(
            try warnings(["F": "grants: {write: [clean-zone]}"], [rule("r", deleted, "{function: F}")]) == [
                "possible loop: rule r → F → deletions in bucket clean-zone → rule r; the hop budget would end it"
            ])
        // A put in one place, a deletion in the other.
        let found = try warnings(
            ["A": "grants: {write: [clean-zone]}", "B": "grants: {write: [landing-zone]}"],
            [rule("a", objects("landing-zone"), "{function: A}"), rule("b", deleted, "{function: B}")])
        #expect(found.count == 1 && found[0].contains("rule a → A → deletions in bucket clean-zone → rule b → B"))
    }

    @Test("what a pattern excludes is no way")
    func excluded() throws {
        let writes = ["F": "grants: {write: [clean-zone], events: [orders]}\nonFailure: {bus: outcomes}"]
        for pattern in [
            objects("landing-zone"), "{source: [shop], detail: {bucket: {name: [clean-zone]}}}",
            "{source: [aws.s3], detail-type: [Object Restored], detail: {bucket: {name: [clean-zone]}}}",
            "{source: [aws.s3], detail-type: [Object Deleted], detail: {bucket: {name: [landing-zone]}}}",
            "{source: [aws.s3], detail: {bucket: {name: [{anything-but: clean-zone}]}}}",
            "{source: [aws.s3], $or: [{detail: {bucket: {name: [landing-zone]}}}, {detail-type: [Object Restored]}]}",
        ] {
            #expect(try warnings(writes, [rule("r", pattern, "{function: F}")]).isEmpty, "\(pattern)")
        }
        // Its own failures on the bus that it tells them on, but only those of another function.
        for (function, count) in [("G", 0), ("F", 1)] {
            let pattern =
                "{source: [lambda], detail: {requestContext: {functionArn: [{prefix: \"arn:aws:lambda:local:000000000000:function:\(function):\"}]}}}"
            #expect(try warnings(writes, [rule("r", pattern, "{function: F}", bus: "outcomes")]).count == count)
        }
        #expect(try warnings(writes, [rule("r", "{source: [aws.s3]}", "{function: F}", bus: "orders")]).isEmpty)
    }

    @Test("filters that let the bucket through are a way; disabled rules and schedules are none")
    func included() throws {
        let writes = ["F": "grants: {write: [clean-zone]}"]
        for pattern in [
            "{source: [aws.s3]}", "{detail: {bucket: {name: [{prefix: clean}]}}}", "{detail: {object: {key: [a]}}}",
            "{source: [aws.s3], $or: [{detail: {bucket: {name: [clean-zone]}}}, {detail-type: [Object Deleted]}]}",
        ] {
            #expect(try warnings(writes, [rule("r", pattern, "{function: F}")]).count == 1, "\(pattern)")
        }
        let text = "state: DISABLED\npattern: \(objects("clean-zone"))\ntargets: [{function: F}]\n"
        #expect(try warnings(writes, [("Events/rules/r.yaml", text)]).isEmpty)
        #expect(
            try warnings(
                writes, [("Events/rules/r.yaml", "schedule: rate(1 hour)\ntargets: [{function: F}]\n")]
            ).isEmpty)
    }
}
