import Foundation

/// An app folder of its own for one test, with the modules of this build.
struct TestApp: Sendable {
    let folder: String

    /// The folder of Package.swift.
    static let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    /// Where this build's programs are: beside the test program, or in SLUICE_PROGRAMS.
    static let programs: String = {
        if let folder = ProcessInfo.processInfo.environment["SLUICE_PROGRAMS"] { return folder }
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: own).deletingLastPathComponent().path
    }()

    static let sluice = programs + "/sluice"

    /// The function that fails in every way an event asks for, with its three buckets.
    static func faulty() throws -> TestApp {
        let app = TestApp(folder: temporaryFolder("app"))
        try app.take("sluice.yaml", "Events", from: packageRoot + "/Tests/Fixtures/App")
        try app.takeFunctions(from: packageRoot + "/Tests/Fixtures/App")
        return app
    }

    /// The app of this repository.
    static func shipped() throws -> TestApp {
        let app = TestApp(folder: temporaryFolder("app"))
        try app.take("sluice.yaml", "Events", from: packageRoot)
        try app.takeFunctions(from: packageRoot)
        return app
    }

    /// Both in one: the shipped functions, and the faulty one with buckets of its own.
    static func everything() throws -> TestApp {
        let app = try shipped()
        try app.takeFunctions(from: packageRoot + "/Tests/Fixtures/App")
        try app.write(
            "Events/rules/faulty.yaml", text(of: packageRoot + "/Tests/Fixtures/App/Events/rules/faulty.yaml"))
        try app.edit("sluice.yaml") { $0.replacing("buckets:\n", with: "buckets:\n  outbox:\n  secret:\n") }
        return app
    }

    /// Adds a rule that gives each new object of `inbox` to `Faulty`, which reads it, as S3's own triggers do.
    func addInboxRule() throws {
        try write(
            "Events/rules/seen.yaml",
            """
            name: seen
            pattern:
              source: [aws.s3]
              detail-type: [Object Created]
              detail: {bucket: {name: [inbox]}}
            targets:
              - function: Faulty
                inputFormat: s3-notification
                retryPolicy: {maximumRetryAttempts: 0}
            """)
    }

    /// Changes one key of `Faulty`'s function.yaml.
    func setFaulty(_ key: String, _ value: String) throws {
        try edit("Functions/Faulty/function.yaml") { text in
            text.split(separator: "\n", omittingEmptySubsequences: false)
                .map { $0.hasPrefix("\(key):") ? "\(key): \(value)" : $0 }.joined(separator: "\n")
        }
    }

    /// The size of its functions' modules, in debug builds not a small one.
    var moduleMegabytes: Int {
        let functions = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/Functions")) ?? []
        let bytes = functions.reduce(0) { sum, name in
            let module = "\(TestApp.programs)/lib\(name).so"
            return sum + ((try? FileManager.default.attributesOfItem(atPath: module)[.size] as? Int) ?? 0)
        }
        return (bytes >> 20) + 1
    }

    func read(_ path: String) -> String { text(of: "\(folder)/\(path)") }

    func write(_ path: String, _ text: String) throws {
        let file = URL(filePath: "\(folder)/\(path)")
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    func edit(_ path: String, _ change: (String) -> String) throws {
        try write(path, change(read(path)))
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func take(_ names: String..., from source: String) throws {
        for name in names {
            try FileManager.default.copyItem(
                at: URL(filePath: "\(source)/\(name)").resolvingSymlinksInPath(), to: URL(filePath: "\(folder)/\(name)")
            )
        }
    }

    /// Copies each function's file, and says in it where this build has put the module.
    private func takeFunctions(from source: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: source + "/Functions").sorted() {
            let file = "\(source)/Functions/\(name)/function.yaml"
            guard FileManager.default.fileExists(atPath: file) else { continue }
            try write(
                "Functions/\(name)/function.yaml",
                text(of: file) + "\nmodule: \(TestApp.programs)/lib\(name).so\n")
        }
    }
}
