import AppConfig
package import HostAPI
import Journal
import UVLoop

extension HostController {
    package func listAlarms() async throws -> [AlarmInfo] {
        await host.alarmInfos
    }
}

extension HostRuntime {
    var alarmInfos: [AlarmInfo] {
        alarms.reports.map { report in
            AlarmInfo(
                name: report.definition.name, description: report.definition.description, bus: report.definition.bus,
                condition: report.definition.inWords, state: report.state.value.rawValue,
                since: APITime(report.state.since), reason: report.state.reason, value: report.value,
                lastArrival: report.state.arrived.map { APITime($0) }, trouble: report.trouble)
        }
    }

    /// What alarms look at, but for what the journal knows.
    var alarmMeasures: AlarmMeasures {
        var measures = dispatcher.alarmMeasures
        measures.freeBytes = freeBytes
        return measures
    }
}
