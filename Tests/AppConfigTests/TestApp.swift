import AppConfig
import Foundation
import Testing

/// An app folder in a temporary place, gone when the closure returns.
struct TestApp {
    let path: String

    static func with<Result>(
        _ files: [String: String], _ body: (TestApp) throws -> Result
    ) throws -> Result {
        let path = FileManager.default.temporaryDirectory.appending(path: "sluice-app-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (name, text) in files {
            let file = URL(filePath: path).appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        return try body(TestApp(path: path))
    }

    static func load(
        _ files: [String: String], deployed: DeployedPatterns = DeployedPatterns()
    ) throws -> LoadedApp {
        try with(files) { try AppLoader.load(folder: $0.path, deployed: deployed) }
    }

    /// The findings of a folder that must not load.
    static func findings(
        _ files: [String: String], deployed: DeployedPatterns = DeployedPatterns()
    ) throws -> [ConfigFinding] {
        try with(files) { app in
            do {
                _ = try AppLoader.load(folder: app.path, deployed: deployed)
            } catch let error as ConfigError {
                return error.findings
            }
            Issue.record("the app was accepted")
            return []
        }
    }

    /// A whole small app, with some files put in or replaced.
    static func files(_ changes: [String: String] = [:]) -> [String: String] {
        let base = [
            "sluice.yaml": """
            buckets:
              landing-zone: {}
              clean-zone: {}
            buses:
              orders: {}
            """,
            "Functions/CSVToParquet/function.yaml": """
            description: CSV to Parquet
            grants:
              read: [landing-zone]
              write: [clean-zone]
            """,
            "Events/rules/csv-landed.yaml": """
            pattern:
              source: [aws.s3]
              detail-type: [Object Created]
              detail:
                bucket:
                  name: [landing-zone]
                object:
                  key: [{suffix: .csv}]
            targets:
              - function: CSVToParquet
            """,
        ]
        return base.merging(changes) { _, new in new }
    }

    /// A rule file around the text of a pattern value, at line 1.
    static func rule(pattern: String, rest: String = "targets: [{function: CSVToParquet}]") -> [String: String] {
        files(["Events/rules/csv-landed.yaml": "pattern: \(pattern)\n\(rest)\n"])
    }
}
