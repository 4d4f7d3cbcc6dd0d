import AppConfig
import HostAPI

/// The rules of an app folder, deployed or not.
enum AppFolderRules {
    static func load(_ folder: String) throws(Failure) -> [RuleDefinition] {
        do {
            return try AppLoader.load(folder: folder, deployed: .all).definition.rules
        } catch {
            throw Failure("\(folder) cannot be deployed:\n\(error)")
        }
    }

    /// Those of one bus, as a host would tell of them.
    static func infos(on bus: String, of folder: String) throws(Failure) -> [RuleInfo] {
        try load(folder).filter { $0.bus == bus }.map(RuleInfo.init)
    }

    /// Asks a host for rules. Where there is none, says how it goes without.
    static func orHint<Answer>(_ ask: () async throws -> Answer) async throws -> Answer {
        do {
            return try await ask()
        } catch let error as APIError where error.status == 503 {
            let hint = [error.hint, "or look at the rules of a folder, which needs no host: --app DIR"]
            throw Failure(error.message, hint: hint.compactMap(\.self).joined(separator: "\n"))
        }
    }

    static func named(_ name: String, on bus: String, of folder: String) throws(Failure) -> RuleInfo {
        let rules = try infos(on: bus, of: folder)
        guard let rule = rules.first(where: { $0.name == name }) else {
            throw Failure(
                "there is no rule `\(name)`",
                hint: NearestName.hint(for: name, among: rules.map(\.name), known: "the rules on bus \(bus)"))
        }
        return rule
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
