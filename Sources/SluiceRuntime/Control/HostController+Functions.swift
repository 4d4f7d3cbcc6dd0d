import AppConfig
import EventModel
import FunctionJSON
import FunctionProtocol
import Glibc
package import HostAPI
import Journal
import UVLoop

extension HostController {
    package func listRules(bus: String?) async throws -> [RuleInfo] {
        if let bus { try await requireBus(bus) }
        let statuses = try await subscriptionStatuses()
        let subscriptions = await host.deployment.subscriptions
        return await host.deployment.app.rules.filter { bus == nil || $0.bus == bus }.map { rule in
            RuleInfo(
                name: rule.name, bus: rule.bus, description: rule.description, enabled: rule.enabled,
                pattern: (try? RawJSON(rule.pattern)) ?? .emptyObject,
                manifest: rule.manifest.map {
                    RuleInfo.Manifest(
                        pattern: (try? RawJSON($0.pattern)) ?? .emptyObject, timeLimitInSeconds: $0.timeLimitSeconds)
                },
                schedule: rule.schedule.map { "\($0.expression) \($0.timezone)" },
                targets: rule.targets.map { target in
                    let settings = subscriptions.first {
                        $0.bus == rule.bus && $0.rule == rule.name && $0.target == target.id
                    }
                    let destinations = settings?.destinations
                    return RuleInfo.Target(
                        id: target.id, function: target.function,
                        inputFormat: (target.inputFormat ?? .eventBridge).rawValue,
                        input: target.input.flatMap { try? RawJSON(encoding: $0) },
                        onSuccess: destinations?.onSuccess, onFailure: destinations?.onFailure,
                        batchSize: target.batchSize,
                        maximumRetryAttempts: target.retry.maximumRetryAttempts,
                        maximumEventAgeInSeconds: min(
                            target.retry.maximumEventAgeSeconds, (settings?.retentionHours ?? .max / 3600) * 3600),
                        retry: target.retry.phrases, delivery: target.deliveryPhrases)
                },
                file: rule.file,
                subscriptions: rule.targets.compactMap { target in
                    statuses.first { $0.bus == rule.bus && $0.rule == rule.name && $0.target == target.id }
                })
        }
    }

    package func rule(bus: String, name: String) async throws -> RuleInfo {
        try await requireBus(bus)
        let rules = try await listRules(bus: nil)
        if let rule = rules.first(where: { $0.bus == bus && $0.name == name }) { return rule }
        if let other = rules.first(where: { $0.name == name }) {
            throw APIError.notFound("rule", name, hint: "it is on bus \(other.bus): add --bus \(other.bus)")
        }
        let names = rules.filter { $0.bus == bus }.map(\.name)
        throw APIError.notFound(
            "rule", name, hint: NearestName.hint(for: name, among: names, known: "the rules on bus \(bus)"))
    }

    /// Throws `NotFound` if there is no such bus.
    func requireBus(_ name: String) async throws {
        if let stream = StreamLog.stream(of: name) { return try await requireStream(stream) }
        let buses = await host.deployment.app.buses.map(\.name)
        guard name != "default", !buses.contains(name) else { return }
        throw APIError.notFound("event bus", name, hint: NearestName.hint(for: name, among: buses, known: "the buses"))
    }

    package func pauseRule(bus: String, name: String, request: PauseRequest) async throws -> RuleInfo {
        let known = try await pausable(bus: bus, name: name)
        let ids = await host.deployment.subscriptions.filter {
            $0.bus == bus && $0.rule == name && (request.target == nil || $0.target == request.target)
        }.map(\.id)
        guard !ids.isEmpty else {
            throw APIError.notFound(
                "target", request.target ?? name,
                hint: "the rule has \(known.targets.map(\.id).joined(separator: ", "))")
        }
        do {
            try await host.setPaused(ids + host.replays.copies(of: ids), request.paused, reason: request.reason)
        } catch let error as JournalError {
            throw APIError.unavailable(
                "rule \(name) \(request.paused ? "is paused" : "goes on"), but the journal cannot write that now: "
                    + error.message,
                hint: "make room; it is written as soon as that is possible, and lost only if the host ends before")
        }
        return try await pausable(bus: bus, name: name)
    }

    /// A rule of the app, or one that was taken away and still has something to deliver: what is paused there must be
    /// able to go on.
    private func pausable(bus: String, name: String) async throws -> RuleInfo {
        let rules = await host.deployment.app.rules
        if !rules.contains(where: { $0.bus == bus && $0.name == name }) {
            let left = try await subscriptionStatuses().filter { $0.bus == bus && $0.rule == name }
            if !left.isEmpty {
                return RuleInfo(
                    name: name, bus: bus, description: "no longer in the app; delivers what it still has",
                    enabled: false, pattern: .emptyObject, targets: [], file: "", subscriptions: left)
            }
        }
        return try await rule(bus: bus, name: name)
    }

    package func listFunctions() async throws -> [FunctionInfo] {
        let deployment = await host.deployment
        let statuses = try await functionStatuses()
        return deployment.functions.values.sorted { $0.name < $1.name }.map { version in
            let definition = version.definition
            let rules = deployment.app.rules.filter { rule in rule.targets.contains { $0.function == version.name } }
            return FunctionInfo(
                status: statuses[version.name]
                    ?? FunctionStatus(name: version.name, version: version.version, concurrency: 1),
                description: definition.description, digest: version.digest, deployed: .init(version.created),
                module: version.modulePath, timeoutSeconds: definition.timeoutSeconds,
                memoryMegabytes: definition.memoryMegabytes, stagingMegabytes: definition.stagingMegabytes,
                inputFormat: definition.inputFormat.rawValue, logLevel: definition.logLevel.rawValue,
                batch: deployment.subscriptions.contains { $0.function == version.name && $0.batchSize > 1 },
                readGrants: definition.grants.read, writeGrants: definition.grants.write,
                eventGrants: definition.grants.events, streamGrants: definition.grants.streams ?? [],
                environment: definition.environment,
                configuration: (try? RawJSON(definition.configuration)) ?? .emptyObject,
                rules: rules.map { "\($0.bus)/\($0.name)" })
        }
    }

    package func function(name: String) async throws -> FunctionInfo {
        let functions = try await listFunctions()
        guard let function = functions.first(where: { $0.status.name == name }) else {
            throw unknownFunction(name, among: functions.map(\.status.name))
        }
        var detail = function
        let data = await host.snapshot.dataFolder
        detail.versions = try await read { journal in
            try journal.functions().filter { $0.name == name }.sorted { $0.version > $1.version }.map { record in
                let known = JSONText.decode(FunctionVersion.self, from: record.body)?.moved(to: data)
                return FunctionInfo.Version(
                    version: record.version, deployed: .init(record.created), digest: record.digest,
                    inForce: record.version == function.status.version,
                    hasModule: known.map { access($0.modulePath, R_OK) == 0 } ?? false)
            }
        }
        return detail
    }

    private func unknownFunction(_ name: String, among names: [String]) -> APIError {
        APIError.notFound("function", name, hint: NearestName.hint(for: name, among: names, known: "the functions"))
    }

    package func invoke(function: String, request: InvokeRequest) async throws -> InvocationDetail {
        try await host.requireLetGo()
        let id = EventID.random()
        let started = HostClock().wall
        if request.dryRun == true {
            let run = await host.shadow(
                function, payload: request.payload.bytes, eventID: id, ingested: started, lineage: [], settings: nil,
                deadLetter: nil)
            guard let run else { throw unknownFunction(function, among: Array(await host.deployment.functions.keys)) }
            return InvocationDetail(run, of: function, eventIDs: [], rule: nil, id: id, started: started)
        }
        guard let result = await host.invoke(function, payload: request.payload.bytes, eventID: id) else {
            throw unknownFunction(function, among: Array(await host.deployment.functions.keys))
        }
        var summary = InvocationSummary(
            requestID: "\(result.attempt)", invocationID: result.invocationID ?? id, function: function,
            version: result.version,
            started: .init(started), durationMilliseconds: Double(result.report.durationMicroseconds) / 1000,
            outcome: "succeeded", coldStart: result.report.coldStart)
        var output: RawJSON?
        switch result.report.outcome {
        case .success(let bytes): output = Self.json(bytes)
        case .batch(let answer): output = Self.json(JSONText.encode(answer))
        case .failure(let failure):
            summary.outcome = "failed"
            summary.code = failure.code
            summary.message = failure.message
        }
        let lines = result.report.logs.map { line in
            LogLine(
                time: .init(line.time), level: line.level, stream: line.stream.rawValue, function: function,
                requestID: summary.requestID, message: line.text)
        }
        return InvocationDetail(
            summary: summary, output: output, effects: result.effects, logs: lines,
            backtrace: result.report.backtrace, attempts: [summary])
    }

    static func json(_ bytes: [UInt8]) -> RawJSON? {
        guard !bytes.isEmpty else { return nil }
        return (try? RawJSON(bytes)) ?? (try? RawJSON(encoding: String(decoding: bytes, as: UTF8.self)))
    }
}
