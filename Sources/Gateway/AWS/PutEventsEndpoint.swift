import EventModel
import FunctionJSON
import HostAPI

/// EventBridge's own `PutEvents` (`AWSEvents.PutEvents`), so that boto3 and `aws events put-events --endpoint-url
/// http://…` put events here.
enum PutEventsEndpoint {
    /// The largest body: entries of 1 MB together, as a JSON text inside a JSON string.
    static let service = AWSEndpoint.Service(
        name: "AWSEvents", operations: ["PutEvents", "TestEventPattern"], bodyLimit: 4 << 20,
        answer: { operation, body, control in
            if operation == "TestEventPattern" { return try TestEventPattern.answer(body) }
            guard operation == "PutEvents" else { throw AWSEndpoint.unknown("AWSEvents.\(operation)") }
            do {
                return try TapeEncoder().encode(try await answer(body, control))
            } catch let error as PutEventsEntry.Refusal {
                throw AWSError(error.errorCode, error.errorMessage)
            }
        })

    private static func answer(_ body: [UInt8], _ control: any HostControl) async throws -> PutEventsAnswer {
        let call = try TapeDecoder().decode(PutEventsCall.self, from: body)
        let entries = call.entries.map(\.entry)
        if let refusal = PutEventsEntry.refusal(ofRequest: entries) { throw refusal }

        var results = [PutEventsAnswer.Result](repeating: .init(), count: entries.count)
        var accepted: [EventEntry] = []
        var places: [Int] = []
        for (index, entry) in entries.enumerated() {
            do throws(PutEventsEntry.Refusal) {
                let valid = try entry.validate()
                accepted.append(eventEntry(valid, entry))
                places.append(index)
            } catch {
                results[index] = .init(errorCode: error.errorCode, errorMessage: error.errorMessage)
            }
        }
        if !accepted.isEmpty {
            let receipt = try await control.putEvents(EventSubmission(entries: accepted))
            for (index, result) in zip(places, receipt.results) {
                results[index] = .init(eventId: result.eventID, errorCode: result.code, errorMessage: result.message)
            }
        }
        return PutEventsAnswer(failedEntryCount: results.count { $0.eventId == nil }, entries: results)
    }

    private static func eventEntry(_ valid: PutEventsEntry.Valid, _ entry: PutEventsEntry) -> EventEntry {
        var read = EventEntry(
            bus: entry.eventBusName, source: valid.source, detailType: valid.detailType, detail: valid.detail.json,
            resources: valid.resources.isEmpty ? nil : valid.resources, time: entry.time)
        read.detailTraits = valid.detail.traits
        return read
    }
}

/// The request, in AWS's words.
private struct PutEventsCall: Decodable {
    struct Entry: Decodable {
        var source: String?
        var detailType: String?
        var detail: String?
        var resources: [String]?
        var time: Moment?
        var eventBusName: String?

        private enum CodingKeys: String, CodingKey {
            case source = "Source"
            case detailType = "DetailType"
            case detail = "Detail"
            case resources = "Resources"
            case time = "Time"
            case eventBusName = "EventBusName"
        }

        var entry: PutEventsEntry {
            // A name, or an ARN `arn:aws:events:<region>:<account>:event-bus/<name>`.
            let bus = eventBusName.map { name in
                name.hasPrefix("arn:") ? name.split(separator: "/").last.map(String.init) ?? name : name
            }
            return PutEventsEntry(
                eventBusName: bus, source: source, detailType: detailType, detail: detail, resources: resources ?? [],
                time: time?.text)
        }
    }

    /// AWS JSON sends times as seconds since 1970; a text is passed on.
    struct Moment: Decodable {
        var text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let seconds = try? container.decode(Double.self), abs(seconds) < 2.5e11 {
                text = APITime(milliseconds: Int64((seconds * 1000).rounded())).description
            } else {
                text = try container.decode(String.self)
            }
        }
    }

    var entries: [Entry]

    private enum CodingKeys: String, CodingKey {
        case entries = "Entries"
    }
}

private struct PutEventsAnswer: Encodable {
    struct Result: Encodable {
        var eventId: String?
        var errorCode: String?
        var errorMessage: String?

        private enum CodingKeys: String, CodingKey {
            case eventId = "EventId"
            case errorCode = "ErrorCode"
            case errorMessage = "ErrorMessage"
        }
    }

    var failedEntryCount: Int
    var entries: [Result]

    private enum CodingKeys: String, CodingKey {
        case failedEntryCount = "FailedEntryCount"
        case entries = "Entries"
    }
}
