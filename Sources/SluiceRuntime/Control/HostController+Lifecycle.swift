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
        return try await lifecycle.run(deployment.app, bucket: bucket, dryRun: dryRun)
    }

    /// The hourly pass: expired objects, and kept inputs that no dead letter names any more.
    func expire() async {
        do {
            _ = try await lifecycle.run(deployment.app, dryRun: false)
            let (journal, buckets) = (journal, buckets)
            let days = Int64(deployment.app.retention.keptInputDays ?? 0)
            // An hour at least: what a dead letter that is just being written keeps is not named by it yet.
            let limit = (clock.wall - max(3_600_000, days * 86_400_000)) * 1_000_000
            try await files.run {
                let inputs = try Recovery.keptInputs(journal)
                for bucket in buckets.all { bucket.cleanKept(keeping: inputs, changedBefore: limit) }
            }
        } catch {
            log.error("expired objects could not be looked for", metadata: ["error": "\(error)"])
        }
    }
}
