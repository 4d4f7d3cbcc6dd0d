package import AppConfig
import EventPatterns
package import HostAPI
package import Journal

/// Which version of each function a deployment runs: the one in force where module and configuration are the same, a
/// new one otherwise. Blocking: hashes and copies modules.
package struct VersionPlan: Sendable {
    /// Everything that is wrong, so that it can be corrected in one go.
    package struct Refusal: Error, Sendable {
        package var findings: [AppFinding]
    }

    package var functions: [String: FunctionVersion] = [:]
    package var new: [FunctionVersion] = []
    /// Of the new ones the module's place, as the app folder has it.
    private var sources: [String: String] = [:]
    /// Of the whole app: definition and modules.
    package var digest: String

    package init(
        _ loaded: LoadedApp, before: Deployment, journal: any JournalStore, modules: ModuleStore, now: Milliseconds
    ) throws {
        var findings: [AppFinding] = []
        var digests: [String] = []
        let known = try journal.functions()
        for function in loaded.definition.functions {
            do throws(ModuleStore.Problem) {
                let module = try modules.locate(function, appFolder: loaded.folder)
                let digest = try modules.digest(
                    modulePath: module, definition: JSONText.encode(function), function: function.name)
                digests.append(digest)
                let versions = known.filter { $0.name == function.name }
                if let same = versions.last(where: { $0.digest == digest }),
                    let version = JSONText.decode(FunctionVersion.self, from: same.body)
                {
                    functions[function.name] = version
                } else {
                    let number = (versions.map(\.version).max() ?? 0) + 1
                    let path = try modules.publish(modulePath: module, function: function.name, version: number)
                    let version = FunctionVersion(
                        name: function.name, version: number, digest: digest, modulePath: path, definition: function,
                        created: now)
                    functions[function.name] = version
                    new.append(version)
                    sources[function.name] = module
                }
            } catch {
                findings.append(AppFinding("NoModule", error.message, file: "Functions/\(function.name)/function.yaml"))
            }
        }
        for rule in loaded.definition.rules {
            do throws(PatternError) {
                // What a pattern may cost has been checked where it was loaded.
                _ = try StoredPatterns.parse(rule.pattern)
            } catch {
                findings.append(AppFinding("InvalidPattern", "rule \(rule.name): \(error)", file: rule.file))
            }
        }
        guard findings.isEmpty else { throw Refusal(findings: findings) }
        digest = EventIdentity.hash(
            JSONText.string(loaded.definition), digests.joined(separator: " "), loaded.folder)
    }

    /// What is said of a new version's module, which is tried where the data folder keeps it, with the path that the
    /// user knows.
    func inItsPlace(_ message: String, of version: FunctionVersion) -> String {
        sources[version.name].map { message.replacing(version.modulePath, with: $0) } ?? message
    }
}

/// What a deployment changes, for people.
enum DeploymentChanges {
    static func between(
        _ before: Deployment, _ after: AppDefinition, _ functions: [String: FunctionVersion]
    ) -> [DeployResult.Change] {
        var changes: [DeployResult.Change] = []
        func compare<Value: Equatable>(
            _ kind: String, _ old: [String: Value], _ new: [String: Value], note: (String) -> String? = { _ in nil }
        ) {
            for name in new.keys.sorted() {
                if old[name] == nil {
                    changes.append(.init(kind: kind, name: name, action: "added", note: note(name)))
                } else if old[name] != new[name] {
                    changes.append(.init(kind: kind, name: name, action: "changed", note: note(name)))
                }
            }
            for name in old.keys.sorted() where new[name] == nil {
                changes.append(.init(kind: kind, name: name, action: "removed", note: nil))
            }
        }
        // Those that only draining subscriptions still need were taken away by an earlier deployment.
        let declared = Set(before.app.functions.map(\.name))
        let old = before.functions.filter { declared.contains($0.key) }.mapValues(\.version)
        compare("function", old, functions.mapValues(\.version)) { name in
            functions[name].map { "version \($0.version)" }
        }
        compare("rule", byName(before.app.rules, \.name), byName(after.rules, \.name))
        compare("bucket", byName(before.app.buckets, \.name), byName(after.buckets, \.name))
        compare("bus", byName(before.app.buses, \.name), byName(after.buses, \.name))
        compare("stream", byName(before.app.streams ?? [], \.name), byName(after.streams ?? [], \.name))
        compare("alarm", byName(before.app.alarms ?? [], \.name), byName(after.alarms ?? [], \.name))
        if before.ruleSet > 0, before.app.limits != after.limits {
            changes.append(.init(kind: "limits", name: "limits", action: "changed", note: nil))
        }
        return changes
    }

    private static func byName<Value>(_ values: [Value], _ name: KeyPath<Value, String>) -> [String: Value] {
        Dictionary(values.map { ($0[keyPath: name], $0) }, uniquingKeysWith: { first, _ in first })
    }
}
