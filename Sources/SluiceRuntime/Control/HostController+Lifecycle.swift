import AppConfig
package import HostAPI
import Journal
import Logging
import ObjectStore
import UVLoop

extension HostController {
    package func lifecycle(_ request: LifecycleRequest) async throws -> [LifecycleReport] {
        if let name = request.bucket, await host.deployment.app.bucket(named: name) == nil {
            throw APIError.notFound("bucket", name, hint: "`sluice buckets list` shows the buckets")
        }
        let reports: [LifecycleRunner.Report]?
        do {
            reports = try await host.runLifecycle(bucket: request.bucket, dryRun: request.dryRun)
        } catch let error as JournalError {
            throw APIError.unavailable("the journal cannot be read: \(error.message)")
        } catch let error as LifecycleRunner.Refused {
            throw APIError.unavailable(
                "expired objects cannot be removed: \(error.message)",
                hint: "make a little room by hand, and try again: what goes then makes more")
        }
        guard let reports else {
            throw APIError.unavailable("another pass is under way", hint: "try again in a moment")
        }
        return reports.map { report in
            LifecycleReport(
                bucket: report.bucket, rule: report.rule.id, prefix: report.rule.prefix,
                expiration: report.rule.inWords, expired: report.expired, bytes: report.bytes, needed: report.needed,
                removed: report.removed, keys: report.keys)
        }
    }
}

extension HostRuntime {
    func runLifecycle(bucket: String?, dryRun: Bool) async throws -> [LifecycleRunner.Report]? {
        guard phase == .ready else { throw APIError.unavailable("the host is \(phase.rawValue)") }
        if !dryRun { try requireLetGo() }
        return try await lifecycle.run(deployment.app, bucket: bucket, dryRun: dryRun)
    }

    /// The hourly pass: expired objects, and kept inputs that no dead letter names any more.
    func expire() async {
        do {
            _ = try await lifecycle.run(deployment.app, dryRun: false)
        } catch {
            log.error("expired objects could not be looked for", metadata: ["error": "\(error)"])
        }
        // On a full disk, too: it needs no journal, and makes room.
        do {
            let (inputs, limit) = (dispatcher.inputs, deployment.app.retention.keptInputLimit(at: clock.wall))
            try await files.run { try inputs.clean(changedBefore: limit) }
        } catch {
            log.error("kept inputs could not be removed", metadata: ["error": "\(error)"])
        }
    }
}

extension RetentionDefinition {
    /// Kept inputs that no dead letter names any more go when they have not changed since: nanoseconds since 1970.
    func keptInputLimit(at now: Milliseconds) -> Int64 {
        let days = Int64(keptInputDays ?? 0)
        return days == 0 ? .max : (now - days * 86_400_000) * 1_000_000
    }
}
