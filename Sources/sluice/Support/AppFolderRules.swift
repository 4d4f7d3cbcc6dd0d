import AppConfig

/// The rules of an app folder, deployed or not.
enum AppFolderRules {
    static func load(_ folder: String) throws(Failure) -> [RuleDefinition] {
        do {
            return try AppLoader.load(folder: folder).definition.rules
        } catch {
            throw Failure("\(folder) cannot be deployed:\n\(error)")
        }
    }
}

extension Failure {
    /// An event is nothing that a pattern could be compared with.
    /// - Parameter rule: which one it was compared with, where that is not plain.
    static func unmatchable(_ error: any Error, rule: String? = nil) -> Failure {
        Failure(
            "the event cannot be matched\(rule.map { " with rule \($0)" } ?? ""): \(error)",
            hint: "an event is one JSON object: a file such as those of Events/samples, or one of the log by its id")
    }
}
