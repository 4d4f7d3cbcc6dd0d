/// One entry of the route table that server and client share.
package struct Route: Sendable, Hashable {
    /// The HTTP methods of the routes.
    package enum Method: String, Sendable, Hashable {
        case get = "GET"
        case post = "POST"
    }

    package var method: Method
    /// With parameters in braces: `/v1/events/{id}`.
    package var template: String

    package init(_ method: Method, _ template: String) {
        self.method = method
        self.template = template
    }

    /// The path with its parameters in their order, percent-encoded.
    package func path(_ parameters: String...) -> String {
        var rest = parameters[...]
        return template.split(separator: "/").map { part in
            guard part.hasPrefix("{"), let value = rest.popFirst() else { return "/" + part }
            return "/" + PercentEncoding.encode(value)
        }.joined()
    }
}

/// Every route of the host. Lists take `limit` and `after`; other queries are those of the `…Query` structs.
package enum Routes {
    package static let health = Route(.get, "/v1/health")
    package static let status = Route(.get, "/v1/status")
    package static let resume = Route(.post, "/v1/resume")
    package static let deploy = Route(.post, "/v1/deploy")
    package static let doctor = Route(.post, "/v1/doctor")
    /// Answers text, where Prometheus looks for it.
    package static let metrics = Route(.get, "/metrics")
    package static let backup = Route(.post, "/v1/backup")

    package static let putEvents = Route(.post, "/v1/events")
    package static let listEvents = Route(.get, "/v1/events")
    /// Answers one `EventRecord` a line for as long as the client stays.
    package static let tailEvents = Route(.get, "/v1/tail/events")
    package static let event = Route(.get, "/v1/events/{id}")
    package static let trace = Route(.get, "/v1/trace/{id}")

    package static let listStreams = Route(.get, "/v1/streams")
    package static let stream = Route(.get, "/v1/streams/{stream}")
    package static let putRecords = Route(.post, "/v1/streams/{stream}/records")
    /// Takes `start` (`TRIM_HORIZON`, `LATEST`, `AT_SEQUENCE_NUMBER`, `AFTER_SEQUENCE_NUMBER`, `AT_TIMESTAMP`) and what
    /// that needs: `sequenceNumber` or `time`.
    package static let streamPosition = Route(.get, "/v1/streams/{stream}/position")
    /// Takes `shard`, `after` and `limit`.
    package static let streamRecords = Route(.get, "/v1/streams/{stream}/records")

    package static let listRules = Route(.get, "/v1/rules")
    package static let rule = Route(.get, "/v1/buses/{bus}/rules/{rule}")
    package static let pauseRule = Route(.post, "/v1/buses/{bus}/rules/{rule}/pause")
    package static let testRules = Route(.post, "/v1/rules/test")
    /// Takes `count`, the moments to tell for each.
    package static let listSchedules = Route(.get, "/v1/schedules")
    package static let listManifests = Route(.get, "/v1/manifests")
    package static let listAlarms = Route(.get, "/v1/alarms")
    package static let lifecycle = Route(.post, "/v1/lifecycle")

    package static let listFunctions = Route(.get, "/v1/functions")
    package static let function = Route(.get, "/v1/functions/{function}")
    package static let invoke = Route(.post, "/v1/functions/{function}/invoke")
    package static let listInvocations = Route(.get, "/v1/invocations")
    package static let invocation = Route(.get, "/v1/invocations/{requestID}")
    /// Answers one `LogLine` a line.
    package static let logs = Route(.get, "/v1/logs")

    package static let deadLetterGroups = Route(.get, "/v1/dlq/groups")
    package static let listDeadLetters = Route(.get, "/v1/dlq")
    package static let deadLetter = Route(.get, "/v1/dlq/letters/{id}")
    package static let redrive = Route(.post, "/v1/dlq/redrive")
    package static let redriveJob = Route(.get, "/v1/dlq/redrive/{id}")
    package static let listRedrives = Route(.get, "/v1/dlq/redrive")
    /// Takes `page`, from 1.
    package static let redriveOutcomes = Route(.get, "/v1/dlq/redrive/{id}/letters")
    package static let cancelRedrive = Route(.post, "/v1/dlq/redrive/{id}/cancel")
    package static let reproduce = Route(.post, "/v1/dlq/letters/{id}/reproduce")
    package static let purge = Route(.post, "/v1/dlq/purge")

    package static let startReplay = Route(.post, "/v1/replays")
    package static let listReplays = Route(.get, "/v1/replays")
    package static let replay = Route(.get, "/v1/replays/{name}")
    package static let cancelReplay = Route(.post, "/v1/replays/{name}/cancel")

    package static let listBuckets = Route(.get, "/v1/buckets")
    package static let trigger = Route(.post, "/v1/buckets/{bucket}/trigger")
    package static let listTriggers = Route(.get, "/v1/triggers")
    package static let triggerJob = Route(.get, "/v1/triggers/{id}")
    package static let cancelTrigger = Route(.post, "/v1/triggers/{id}/cancel")
    package static let listTables = Route(.get, "/v1/catalog")
    package static let table = Route(.get, "/v1/catalog/{database}/{table}")
    package static let dropTable = Route(.post, "/v1/catalog/{database}/{table}/drop")

    package static let all: [Route] = [
        health, status, resume, deploy, doctor, metrics, backup, putEvents, listEvents, tailEvents, event, trace,
        listStreams,
        stream, putRecords, streamPosition, streamRecords, listRules,
        rule,
        testRules, pauseRule,
        listSchedules, listManifests, listAlarms, lifecycle,
        listFunctions, function, invoke, listInvocations, invocation, logs, deadLetterGroups, listDeadLetters,
        deadLetter, redrive, redriveJob, listRedrives, redriveOutcomes, cancelRedrive, reproduce, purge, startReplay,
        listReplays, replay, cancelReplay, listBuckets, trigger, listTriggers, triggerJob,
        cancelTrigger, listTables, table, dropTable,
    ]
}

/// RFC 3986: everything but the unreserved characters is escaped.
package enum PercentEncoding {
    package static func encode(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                encoded += hex.utf8.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return encoded
    }

    /// The text again; nil for a broken escape or bytes that are not UTF-8.
    package static func decode(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
