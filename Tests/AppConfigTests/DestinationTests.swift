import AppConfig
import Testing

@Suite("Success and failure destinations")
struct DestinationTests {
    @Test("of a target and of a function")
    func reading() throws {
        var files = TestApp.rule(
            pattern: "{source: [a]}",
            rest: "targets: [{function: CSVToParquet, onSuccess: {bus: orders}, onFailure: {bus: default}}]")
        files["Functions/CSVToParquet/function.yaml"] = "onFailure: {bus: orders}\n"
        let app = try TestApp.load(files).definition
        #expect(
            app.rules.first?.targets.first?.destinations == Destinations(onSuccess: "orders", onFailure: "default"))
        #expect(app.functions.first?.destinations == Destinations(onFailure: "orders"))
        #expect(try TestApp.load(TestApp.files()).definition.rules.first?.targets.first?.destinations == nil)
    }

    @Test(
        "each mistake is named with file, line and column",
        arguments: [
            ("onSuccess: {bus: ordres}", ConfigFinding.Code.unknownBus, 1, 18, "did you mean `orders`?"),
            ("onFailure: {}", .missingKey, 1, 12, "no `bus`"), ("onFailure: orders", .invalidValue, 1, 12, "a mapping"),
            ("onFailure: {bus: [orders]}", .invalidValue, 1, 18, "a text"),
            ("onFailure: {function: F, bus: orders}", .notSupported, 1, 13, "name a bus"),
            ("onFailure: {destination: orders, bus: orders}", .unknownKey, 1, 13, "called `bus`"),
        ])
    func mistakes(
        _ text: String, _ code: ConfigFinding.Code, _ line: Int, _ column: Int, _ says: String
    ) throws {
        let ofFunction = try TestApp.findings(TestApp.files(["Functions/CSVToParquet/function.yaml": text + "\n"]))
        #expect(ofFunction.count == 1 && ofFunction.first?.code == code, "\(ofFunction)")
        #expect(ofFunction.first?.line == line && ofFunction.first?.column == column, "\(ofFunction)")
        #expect(ofFunction.first?.description.contains(says) == true, "\(ofFunction)")
        let rest = "targets:\n  - function: CSVToParquet\n    \(text)"
        let ofTarget = try TestApp.findings(TestApp.rule(pattern: "{source: [a]}", rest: rest))
        #expect(ofTarget.count == 1 && ofTarget.first?.code == code, "\(ofTarget)")
        #expect(ofTarget.first?.line == 4 && ofTarget.first?.column == column + 4, "\(ofTarget)")
    }
}
