import AppConfig
import EventModel
import FunctionJSON
import Journal

extension AlarmChange {
    /// One for each change of an alarm.
    package var eventID: String { EventIdentity.derived(from: "alarm", alarm.name, "\(after.since)") }

    /// The event in the shape in which CloudWatch sends it to EventBridge.
    package func payload() -> [UInt8] {
        var writer = JSONWriter(capacity: 1024)
        writer.beginObject()
        writer.member("alarmName", alarm.name)
        write(after, "state", value: value, to: &writer)
        write(before, "previousState", value: nil, to: &writer)
        writer.name("configuration")
        writer.beginObject()
        if !alarm.description.isEmpty { writer.member("description", alarm.description) }
        writer.name("metrics")
        writer.beginArray()
        if let threshold = alarm.threshold {
            writer.beginObject()
            writer.member("id", "m1")
            writer.name("metricStat")
            writer.beginObject()
            writer.name("metric")
            writer.beginObject()
            writer.member("namespace", "Sluice")
            writer.member("name", threshold.metric.rawValue)
            writer.name("dimensions")
            writer.beginObject()
            let dimensions = threshold.dimensions
            if let function = dimensions.function { writer.member("FunctionName", function) }
            if let bus = dimensions.bus { writer.member("EventBusName", bus) }
            if let rule = dimensions.rule { writer.member("RuleName", rule) }
            if let target = dimensions.target { writer.member("TargetId", target) }
            writer.endObject()
            writer.endObject()
            writer.member("period", threshold.periodSeconds)
            writer.member("stat", threshold.metric.isWindowed ? "Sum" : "Maximum")
            writer.endObject()
            writer.name("returnData")
            writer.value(true)
            writer.endObject()
        }
        writer.endArray()
        if let file = alarm.expectedFile {
            writer.name("expectedFile")
            writer.beginObject()
            writer.member("bucket", file.bucket)
            writer.member("by", file.deadline.expression)
            writer.member("timezone", file.deadline.timezone)
            writer.member("deadline", Timestamp(milliseconds: after.decided * 1000).description)
            writer.endObject()
        }
        writer.endObject()
        writer.endObject()
        return EventEnvelope(
            id: eventID, detailType: AlarmEvents.detailType, source: AlarmEvents.source,
            account: ObjectEvents.account, time: Timestamp(milliseconds: after.since).wholeSeconds,
            region: ObjectEvents.region, resources: [AlarmEvents.resource(alarm.name)]
        ).bytes(detail: writer.bytes)
    }

    private func write(_ state: AlarmState, _ name: String, value: Double?, to writer: inout JSONWriter) {
        writer.name(name)
        writer.beginObject()
        writer.member("value", state.value.rawValue)
        writer.member("reason", state.reason)
        if let threshold = alarm.threshold {
            // A JSON text within a text, as CloudWatch has it.
            var data = JSONWriter(capacity: 128)
            data.beginObject()
            data.member("version", "1.0")
            data.name("threshold")
            data.raw(Self.number(threshold.threshold))
            data.member("period", threshold.periodSeconds)
            if let value {
                data.name("recentDatapoints")
                data.beginArray()
                data.raw(Self.number(value))
                data.endArray()
            }
            data.endObject()
            writer.member("reasonData", String(decoding: data.bytes, as: UTF8.self))
        }
        writer.member("timestamp", Timestamp(milliseconds: state.since).rfc3339(fractionDigits: 3))
        writer.endObject()
    }

    private static func number(_ value: Double) -> [UInt8] {
        let isWhole = value == value.rounded() && abs(value) < 1e15
        return Array((isWhole ? String(Int64(value)) : String(value)).utf8)
    }
}
