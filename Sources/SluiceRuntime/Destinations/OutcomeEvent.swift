package import AppConfig
import EventModel
import FunctionJSON
package import Journal

/// The outcome of a delivery as an event, in the shape in which Lambda sends it to an event bus
/// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html): `source: lambda`, `detail-type:
/// Lambda Function Invocation Result - Success` or `- Failure`.
package struct OutcomeEvent: Sendable {
    /// How the delivery ended.
    package enum Outcome: Sendable {
        /// With the handler's output; empty for a record of a batch, which has none of its own.
        case succeeded([UInt8])
        case failed(Death, backtrace: [String])
    }

    static let source = "lambda"
    /// Followed by `Success` or `Failure`.
    static let detailType = "Lambda Function Invocation Result - "

    package var function: String
    package var version: Int
    /// The last attempt.
    package var attempt: AttemptID
    /// How often the function was invoked for this delivery.
    package var invocations: Int
    package var delivery: Delivery
    /// What the handler got.
    package var request: [UInt8]
    package var outcome: Outcome
    package var time: Milliseconds

    package init(
        function: String, version: Int, attempt: AttemptID, invocations: Int, delivery: Delivery, request: [UInt8],
        outcome: Outcome, time: Milliseconds
    ) {
        self.function = function
        self.version = version
        self.attempt = attempt
        self.invocations = invocations
        self.delivery = delivery
        self.request = request
        self.outcome = outcome
        self.time = time
    }

    /// The bus that wants it; nil if none does. The end of a loop is not told: it would go on.
    package func bus(_ destinations: Destinations) -> String? {
        switch outcome {
        case .succeeded: destinations.onSuccess
        case .failed(let death, _): death.code == "HopBudgetExceeded" ? nil : destinations.onFailure
        }
    }

    /// One for each outcome of a delivery: an attempt has one outcome a delivery.
    package var id: String {
        EventIdentity.derived(
            from: "outcome", "\(attempt)", "\(delivery.subscription.value)", "\(delivery.ordinal)")
    }

    /// The whole envelope. What would make it larger than an event may be is left out: the response first, then the
    /// request, as null.
    package func payload(bus: String) -> [UInt8] {
        var isSuccess = false
        if case .succeeded = outcome { isSuccess = true }
        var detail = detail(request: true, response: true)
        for keepsRequest in [true, false] where detail.count > PutEventsEntry.maximumTotalSize {
            detail = self.detail(request: keepsRequest, response: false)
        }
        return EventEnvelope(
            id: id, detailType: Self.detailType + (isSuccess ? "Success" : "Failure"), source: Self.source,
            account: ObjectEvents.account, time: Timestamp(milliseconds: time).wholeSeconds,
            region: ObjectEvents.region,
            resources: [
                "arn:aws:events:\(ObjectEvents.region):\(ObjectEvents.account):event-bus/\(bus)", functionARN,
            ]
        ).bytes(detail: detail)
    }

    private var functionARN: String {
        "arn:aws:lambda:\(ObjectEvents.region):\(ObjectEvents.account):function:\(function):\(version)"
    }

    private func detail(request keepsRequest: Bool, response keepsResponse: Bool) -> [UInt8] {
        var writer = JSONWriter(capacity: 512 + (keepsRequest ? request.count : 0))
        writer.beginObject()
        writer.member("version", "1.0")
        writer.member("timestamp", Timestamp(milliseconds: time).rfc3339(fractionDigits: 3))
        writer.name("requestContext")
        writer.beginObject()
        writer.member("requestId", "\(attempt)")
        writer.member("functionArn", functionARN)
        writer.member("condition", condition)
        writer.member("approximateInvokeCount", invocations)
        writer.endObject()
        writer.name("requestPayload")
        if keepsRequest { Self.append(request, to: &writer) } else { writer.null() }
        writer.name("responseContext")
        writer.beginObject()
        writer.member("statusCode", 200)
        writer.member("executedVersion", "\(version)")
        if case .failed = outcome { writer.member("functionError", "Unhandled") }
        writer.endObject()
        writer.name("responsePayload")
        if keepsResponse { appendResponse(to: &writer) } else { writer.null() }
        writer.endObject()
        return writer.bytes
    }

    /// In Lambda's words where it has one for it, else in ours.
    private var condition: String {
        guard case .failed(let death, _) = outcome else { return "Success" }
        switch death.condition {
        case "MaximumRetryAttempts": return "RetriesExhausted"
        case "MaximumEventAgeInSeconds": return "EventAgeExceeded"
        default: return death.condition
        }
    }

    private func appendResponse(to writer: inout JSONWriter) {
        switch outcome {
        case .succeeded(let output):
            Self.append(output, to: &writer)
        case .failed(let death, let backtrace):
            writer.beginObject()
            writer.member("errorMessage", death.message)
            writer.member("errorType", death.code)
            if !backtrace.isEmpty {
                writer.name("stackTrace")
                writer.beginArray()
                for frame in backtrace { writer.value(frame) }
                writer.endArray()
            }
            writer.endObject()
        }
    }

    /// JSON as it is; any other text as a JSON text; nothing as null.
    private static func append(_ bytes: [UInt8], to writer: inout JSONWriter) {
        if bytes.isEmpty {
            writer.null()
        } else if let json = try? RawJSON(bytes) {
            writer.raw(json.bytes)
        } else {
            writer.value(String(decoding: bytes, as: UTF8.self))
        }
    }
}
