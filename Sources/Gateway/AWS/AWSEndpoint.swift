import FunctionJSON
import HTTPTypes
import HostAPI
import Hummingbird
import NIOCore

/// `POST /` as AWS's SDKs and its command line send it (AWS JSON 1.1): the header `X-Amz-Target` names the service and
/// the operation. Signatures and checksums are not checked.
enum AWSEndpoint {
    /// A service with a file of its own.
    struct Service: Sendable {
        /// As in `X-Amz-Target`, before the dot.
        var name: String
        /// Operations that are answered with a result, for people.
        var operations: [String]
        /// Bytes of the largest request.
        var bodyLimit: Int
        /// The body of the answer. Throws `AWSError` or `APIError`.
        var answer: @Sendable (_ operation: String, _ body: [UInt8], any HostControl) async throws -> [UInt8]
    }

    /// Of a form only the name of its action counts.
    private static let formLimit = 1 << 20

    private static let services = [PutEventsEndpoint.service, KinesisEndpoint.service]

    static func add(to router: Router<GatewayRoutes.Context>, _ control: any HostControl) {
        router.post("/") { request, context in
            do {
                if OtherServices.isForm(request),
                    let refusal = OtherServices.refusal(
                        ofForm: try await context.body(of: request, upTo: formLimit), in: request)
                {
                    return refusal
                }
                return respond(.ok, try await answer(request, context, control))
            } catch let error as AWSError {
                return refuse(error)
            } catch let error as APIError {
                return refuse(AWSError(error.code, error.message, status: error.status))
            } catch let error as any HTTPResponseError {
                return refuse(
                    AWSError("RequestEntityTooLargeException", "The request is too long.", status: error.status.code))
            } catch let error as DecodingError {
                return refuse(AWSError("SerializationException", "\(error)"))
            } catch {
                return refuse(AWSError("InternalFailure", "\(error)", status: 500))
            }
        }
    }

    private static func answer(
        _ request: Request, _ context: GatewayContext, _ control: any HostControl
    ) async throws -> [UInt8] {
        let target = HTTPField.Name("x-amz-target").flatMap { request.headers[$0] } ?? ""
        let parts = target.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let service = services.first(where: { $0.name == parts[0] }) else {
            throw unknown(target)
        }
        if let type = request.headers[.contentType]?.lowercased(), type.contains("cbor") {
            throw AWSError(
                "SerializationException",
                "CBOR is not spoken here, only JSON. Turn it off in the client: AWS_CBOR_DISABLE=true in its environment "
                    + "or -Dcom.amazonaws.sdk.disableCbor=true (AWS SDK for Java 1), CBOR_ENABLED=false or "
                    + "-Daws.cborEnabled=false (AWS SDK for Java 2, KCL 2 and 3).")
        }
        let body = try await context.body(of: request, upTo: service.bodyLimit)
        return try await service.answer(String(parts[1]), body, control)
    }

    /// The refusal of an operation that is not answered here.
    static func unknown(_ target: String) -> AWSError {
        let service = services.first { target.hasPrefix($0.name + ".") }
        let operation = service.map { target.dropFirst($0.name.count + 1) } ?? target[...]
        let known = (service.map { [$0] } ?? services).map { $0.operations.joined(separator: ", ") }
        let advice = service?.name == PutEventsEndpoint.service.name ? advice(onEvents: operation) : ""
        return AWSError(
            "UnknownOperationException",
            "\(AWSError.shown(String(operation))) is not answered here. \(advice)What is answered: "
                + "\(known.joined(separator: ", ")).")
    }

    /// What is done instead of an operation of EventBridge.
    private static func advice(onEvents operation: Substring) -> String {
        if operation.contains("Replay") {
            return
                "`sluice replay start --from 2h` replays what a bus has kept; `sluice replay list`, `show` and `cancel` "
                + "are the rest. "
        }
        if operation.contains("Archive") {
            return
                "Every bus keeps its events for archive.retentionDays (sluice.yaml), and `sluice replay start` delivers "
                + "them again. "
        }
        return "Rules, targets and buses are files of the app folder, see `sluice rules list` and `sluice deploy`. "
    }

    static func refuse(_ error: AWSError) -> Response {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("__type", error.type)
        writer.member("message", error.message)
        writer.endObject()
        var response = respond(HTTPResponse.Status(code: error.status), writer.bytes)
        // Where a client expects a body in another form, it reads what is wrong here.
        if let name = HTTPField.Name("x-amzn-errortype") { response.headers[name] = error.type }
        if let name = HTTPField.Name("x-amzn-error-message") {
            response.headers[name] = String(
                String.UnicodeScalarView(
                    error.message.unicodeScalars.map { (0x20..<0x7F).contains($0.value) ? $0 : "?" }))
        }
        return response
    }

    private static func respond(_ status: HTTPResponse.Status, _ bytes: [UInt8]) -> Response {
        Response(
            status: status, headers: [.contentType: "application/x-amz-json-1.1"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

/// A refusal as AWS's JSON protocols have it: `{"__type":…,"message":…}`.
struct AWSError: Error, Sendable {
    /// HTTP status of the answer.
    var status: Int
    /// SDKs make their error classes of it.
    var type: String
    var message: String

    init(_ type: String, _ message: String, status: Int = 400) {
        self.type = type
        self.message = message
        self.status = status
    }

    /// A value that breaks the rules of the service's model, in the words that AWS has for it. `place` is such as
    /// `records.1.member.partitionKey`.
    static func validation(_ value: String?, at place: String, _ constraint: String) -> AWSError {
        AWSError(
            "ValidationException",
            "1 validation error detected: Value \(value.map { "'\(shown($0))'" } ?? "null") at '\(place)' failed to "
                + "satisfy constraint: Member must \(constraint)")
    }

    static func invalidArgument(_ message: String) -> AWSError { AWSError("InvalidArgumentException", message) }

    /// A value of another kind than the model has.
    static func serialization(_ message: String) -> AWSError { AWSError("SerializationException", message) }

    /// The beginning of a text that somebody sent.
    static func shown(_ text: String) -> String {
        text.unicodeScalars.count > 200 ? String(String.UnicodeScalarView(text.unicodeScalars.prefix(200))) + "…" : text
    }
}
