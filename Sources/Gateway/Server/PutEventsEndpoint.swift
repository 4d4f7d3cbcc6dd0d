import EventModel
import FunctionJSON
import HTTPTypes
import HostAPI
import Hummingbird
import NIOCore

/// EventBridge's own `PutEvents` (`POST /` with `X-Amz-Target: AWSEvents.PutEvents`, AWS JSON 1.1), so that boto3 and
/// `aws events put-events --endpoint-url http://…` put events here. Signatures are not checked.
enum PutEventsEndpoint {
    private static let target = "AWSEvents.PutEvents"

    /// The largest body: entries of 1 MB together, as a JSON text inside a JSON string.
    private static let bodyLimit = 4 << 20

    static func add(to router: Router<GatewayRoutes.Context>, _ control: any HostControl) {
        router.post("/") { request, _ in
            do {
                return try respond(.ok, try await answer(request, control))
            } catch let error as PutEventsEntry.Refusal {
                return try respond(.badRequest, refusal(error.errorCode, error.errorMessage))
            } catch let error as APIError {
                let status = HTTPResponse.Status(code: error.status)
                return try respond(status, refusal(error.code, error.message))
            } catch let error as any HTTPResponseError {
                return try respond(error.status, refusal("RequestEntityTooLargeException", "The request is too long."))
            } catch let error as DecodingError {
                return try respond(.badRequest, refusal("SerializationException", "\(error)"))
            } catch {
                return try respond(.internalServerError, refusal("InternalFailure", "\(error)"))
            }
        }
    }

    private static func answer(_ request: Request, _ control: any HostControl) async throws -> PutEventsAnswer {
        let name = HTTPField.Name("x-amz-target").flatMap { request.headers[$0] } ?? ""
        guard name == target else {
            throw PutEventsEntry.Refusal(
                errorCode: "UnknownOperationException",
                errorMessage: "Operation \"\(name)\" is not known here; the only one is \(target).")
        }
        let buffer = try await request.body.collect(upTo: bodyLimit)
        let call = try TapeDecoder().decode(PutEventsCall.self, from: Array(buffer.readableBytesView))
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
        read.hasPlainNames = valid.detail.hasPlainNames
        return read
    }

    private static func refusal(_ code: String, _ message: String) -> JSONValue {
        ["__type": .string(code), "message": .string(message)]
    }

    private static func respond(_ status: HTTPResponse.Status, _ value: some Encodable) throws -> Response {
        Response(
            status: status, headers: [.contentType: "application/x-amz-json-1.1"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try TapeEncoder().encode(value))))
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
                text = HostAPI.Timestamp(milliseconds: Int64((seconds * 1000).rounded())).description
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
