/// What loading an app folder gives.
package struct LoadedApp: Sendable {
    package var definition: AppDefinition
    /// Findings that do not prevent a deployment.
    package var warnings: [ConfigFinding]
    /// The app folder as an absolute path.
    package var folder: String
}

/// Reads and checks an app folder.
package enum AppLoader {
    /// Reads `sluice.yaml`, `Functions/*/function.yaml`, `Events/rules/*.yaml`, `Events/schedules/*.yaml` and
    /// `Events/alarms/*.yaml`, and checks that they fit together.
    ///
    /// Throws every error it can find at once; nothing is half-loaded.
    ///
    /// - Parameter deployed: patterns that pass unchanged, with a warning, where they cost more than rules may by now.
    package static func load(
        folder path: String, deployed: DeployedPatterns = DeployedPatterns()
    ) throws(ConfigError) -> LoadedApp {
        let collector = FindingCollector()
        guard let folder = AppFolder(path: path) else {
            throw ConfigError(findings: [
                ConfigFinding(
                    code: .unreadableFile, message: "there is no such app folder",
                    hint: "name the folder that holds sluice.yaml with --app DIR", file: path)
            ])
        }
        guard ["sluice.yaml", "Functions", "Events"].contains(where: folder.exists) else {
            throw ConfigError(findings: [
                ConfigFinding(
                    code: .unreadableFile,
                    message: "the folder is no app: it has neither sluice.yaml, Functions nor Events",
                    hint: "name the folder that holds sluice.yaml with --app DIR", file: path)
            ])
        }

        let host = HostFile.load(from: folder, collector: collector)
        let functions = FunctionFile.loadAll(from: folder, collector: collector)
        let rules = RuleFile.loadAll(from: folder, collector: collector, deployed: deployed)
        let alarms = AlarmFile.loadAll(from: folder, collector: collector, deployed: deployed)
        let references = References(host: host, functions: functions, folder: folder)
        references.check(rules)
        references.check(alarms, rules: rules)

        let findings = collector.sorted
        guard findings.allSatisfy({ $0.severity == .warning }) else { throw ConfigError(findings: findings) }
        let definition = AppDefinition(
            buckets: host.buckets.sorted { $0.name < $1.name },
            buses: host.buses.sorted { $0.name < $1.name },
            functions: functions.map(\.definition).sorted { $0.name < $1.name },
            rules: rules.map(\.definition).sorted { ($0.bus, $0.name) < ($1.bus, $1.name) },
            limits: host.limits, retention: host.retention,
            downstreams: host.downstreams.isEmpty ? nil : host.downstreams.sorted { $0.name < $1.name },
            alarms: alarms.isEmpty ? nil : alarms.map(\.definition).sorted { $0.name < $1.name },
            streams: host.streams.isEmpty ? nil : host.streams.sorted { $0.name < $1.name })
        return LoadedApp(definition: definition, warnings: findings, folder: folder.path)
    }
}
