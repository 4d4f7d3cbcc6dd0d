import AppConfig
package import HostAPI
import Schedules
import UVLoop

extension HostController {
    package func listManifests() async throws -> [ManifestInfo] {
        await host.manifests.open.map { manifest, missing in
            ManifestInfo(
                rule: manifest.id.rule, bus: manifest.id.bus, bucket: manifest.id.bucket, key: manifest.id.key,
                files: manifest.files.count, missing: missing, arrived: APITime(manifest.arrived * 1000),
                deadline: APITime(manifest.deadline * 1000))
        }
    }

    package func listSchedules(count: Int) async throws -> [ScheduleInfo] {
        let now = HostClock().wall / 1000
        return await host.schedules.reports.map { report in
            var next: [APITime] = []
            var cursor = now
            while next.count < count, let moment = report.schedule?.next(after: cursor) {
                next.append(APITime(moment * 1000))
                cursor = moment
            }
            return ScheduleInfo(
                rule: report.id.rule, bus: report.id.bus, expression: report.definition.expression,
                timezone: report.definition.timezone, missed: report.definition.missed.rawValue, next: next,
                last: report.state?.fired.map { APITime($0 * 1000) }, trouble: report.trouble)
        }
    }
}
