import HostAPI
import Schedules
import UVLoop

extension HostController {
    /// Manifests, schedules and alarms.
    func addRunners(to text: inout PrometheusText) async {
        let open = await host.openManifests
        text.begin("sluice_manifests_open", .gauge, "Manifests whose files are waited for.")
        text.add(Int64(open.count))
        text.begin("sluice_manifest_files_missing", .gauge, "Files that the open manifests still miss.")
        text.add(open.reduce(0) { $0 + Int64($1) })
        let schedules = await host.scheduleMetrics
        text.begin("sluice_schedules", .gauge, "Schedules in force; `broken` do not run.")
        text.add(Int64(schedules.working), [("state", "working")])
        text.add(Int64(schedules.broken), [("state", "broken")])
        text.begin("sluice_schedule_last_seconds", .gauge, "When a schedule's last event was due, seconds since 1970.")
        for (rule, bus, moment) in schedules.fired { text.add(moment, [("bus", bus), ("rule", rule)]) }
        text.begin(
            "sluice_objects_expired_total", .counter, "Objects that the lifecycle removed since the host started.")
        for (bucket, count) in await host.expiredObjects { text.add(count, [("bucket", bucket)]) }
        text.begin("sluice_alarm", .gauge, "1 while an alarm is in state ALARM.")
        for alarm in await host.alarmInfos {
            text.add(Int64(alarm.state == "ALARM" ? 1 : 0), [("alarm", alarm.name)])
        }
    }
}

extension HostRuntime {
    var expiredObjects: [(bucket: String, count: Int64)] {
        lifecycle.removed.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// How many files each open manifest misses, as far as is known.
    var openManifests: [Int] { manifests.open.map { $0.missing?.count ?? $0.manifest.files.count } }

    var scheduleMetrics: (working: Int, broken: Int, fired: [(rule: String, bus: String, moment: Int64)]) {
        let reports = schedules.reports
        return (
            reports.count { $0.trouble == nil }, reports.count { $0.trouble != nil },
            reports.compactMap { report in report.state?.fired.map { (report.id.rule, report.id.bus, $0) } }
        )
    }
}
