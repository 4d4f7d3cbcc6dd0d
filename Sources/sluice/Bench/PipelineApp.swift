import SluiceRuntime

/// The app that a pipeline's benchmark runs, as files.
struct PipelineApp {
    /// The rule whose deliveries are measured.
    static let measured = "rule-0"

    private var files: [(path: String, text: String)]

    /// A function on the default bus, behind many rules of which one matches.
    /// - Parameters:
    ///   - slowMilliseconds: with a value, a second function has its own rule and takes so long for an event.
    ///   - fails: the function fails every event.
    ///   - notesStarts: it notes when it had each event.
    static func events(
        module: String, batch: Int, rules: Int, workers: Int, slowMilliseconds: Int? = nil, fails: Bool = false,
        notesStarts: Bool = false
    ) -> PipelineApp {
        var app = PipelineApp(files: [("sluice.yaml", "")])
        let environment = fails ? "FAIL: all" : notesStarts ? "STARTS: all" : ""
        app.add(
            function: "BenchCounter",
            "module: \(module)\nreservedConcurrency: \(workers)\nenvironment: {\(environment)}\n")
        if let slowMilliseconds {
            app.add(
                function: "BenchSlow",
                "module: \(module)\nreservedConcurrency: 2\nenvironment: {DELAY_MS: \"\(slowMilliseconds)\"}\n")
            app.add(
                rule: "slow",
                """
                pattern: {source: [bench.pipeline], detail-type: [Slow]}
                targets: [{function: BenchSlow}]
                """)
        }
        for index in 0..<rules {
            app.add(
                rule: "rule-\(index)",
                """
                pattern: {source: [bench.pipeline], detail-type: [\(index == 0 ? "Sample" : "Other \(index)")]}
                targets: [{function: BenchCounter, batchSize: \(batch)}]
                """)
        }
        return app
    }

    /// A function on a stream.
    static func stream(_ name: String, module: String, batch: Int, shards: Int, workers: Int) -> PipelineApp {
        var app = PipelineApp(files: [("sluice.yaml", "streams: {\(name): {shards: \(shards)}}\n")])
        app.add(function: "BenchStream", "module: \(module)\nreservedConcurrency: \(workers)\n")
        app.add(rule: measured, "stream: \(name)\ntargets: [{function: BenchStream, batchSize: \(batch)}]")
        return app
    }

    private mutating func add(function: String, _ text: String) {
        files.append(("Functions/\(function)/function.yaml", text))
    }

    private mutating func add(rule: String, _ text: String) {
        files.append(("Events/rules/\(rule).yaml", "name: \(rule)\n\(text)\n"))
    }

    func write(below folder: String) throws {
        for file in files { try BenchFolder.write(file.text, to: "\(folder)/\(file.path)") }
    }
}
