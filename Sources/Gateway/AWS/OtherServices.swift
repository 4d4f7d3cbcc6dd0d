import HTTPTypes
import HostAPI
import Hummingbird
import NIOCore

/// What clients of services that are not here are told, in the form that they read: what another form says they do
/// not show, and a plain 404 means to some of them that the object does not exist.
enum OtherServices {
    /// The refusal of a request to no route of the gateway; nil: it is from no client of AWS.
    static func refusal(of request: Request) -> Response? {
        if let action = request.uri.queryParameters["Action"] {
            return refuse(action: String(action), of: service(of: request))
        }
        let path = request.uri.path
        switch service(of: request) {
        case "s3": return refuseS3(request)
        case "lambda": return AWSEndpoint.refuse(lambda(path))
        case let service?:
            return AWSEndpoint.refuse(
                notHere("there is no \(request.method.rawValue) \(AWSError.shown(path)) of \(AWSError.shown(service))"))
        // Unsigned, as with `--no-sign-request`.
        case nil where isLambda(path): return AWSEndpoint.refuse(lambda(path))
        case nil where path != "/" && request.headers.contains { $0.name.canonicalName.hasPrefix("x-amz-") }:
            return refuseS3(request)
        case nil: return nil
        }
    }

    /// The refusal of a form that names an action, as clients of AWS's Query protocol (SNS, STS, IAM …) post them.
    static func refusal(ofForm body: [UInt8], in request: Request) -> Response? {
        let fields = String(decoding: body, as: UTF8.self).split(separator: "&")
        guard let action = fields.first(where: { $0.hasPrefix("Action=") })?.dropFirst("Action=".count) else {
            return nil
        }
        return refuse(action: PercentEncoding.decode(String(action)) ?? String(action), of: service(of: request))
    }

    /// Whether the request is of the Query protocol by its head: it names no target.
    static func isForm(_ request: Request) -> Bool {
        guard HTTPField.Name("x-amz-target").flatMap({ request.headers[$0] }) == nil else { return false }
        return request.headers[.contentType]?.lowercased().hasPrefix("application/x-www-form-urlencoded") == true
    }

    // MARK: Which service is meant

    /// The service that the request is signed for, in lower case; nil: it is not signed.
    private static func service(of request: Request) -> String? {
        let query = request.uri.queryParameters
        if let credential = query["X-Amz-Credential"] { return service(ofCredential: credential) }
        if query["AWSAccessKeyId"] != nil, query["Signature"] != nil { return "s3" }
        guard let authorization = request.headers[.authorization] else { return nil }
        // Signatures of version 2, which only S3 still knows.
        if authorization.hasPrefix("AWS ") { return "s3" }
        guard let credential = authorization.firstRange(of: "Credential=") else { return nil }
        return service(ofCredential: authorization[credential.upperBound...].prefix { $0 != "," && $0 != " " })
    }

    /// `KEY/DATE/REGION/SERVICE/aws4_request`.
    private static func service(ofCredential credential: Substring) -> String? {
        let parts = credential.split(separator: "/")
        guard parts.count >= 4, parts.last == "aws4_request" else { return nil }
        return parts[parts.count - 2].lowercased()
    }

    /// `/2015-03-31/functions/NAME/invocations` and its like.
    private static func isLambda(_ path: String) -> Bool {
        let parts = path.split(separator: "/")
        guard parts.count >= 2, parts[0].utf8.count == 10, parts[0].hasPrefix("20") else { return false }
        return parts[1].hasPrefix("functions")
    }

    // MARK: Answers

    private static func lambda(_ path: String) -> AWSError {
        let parts = path.split(separator: "/")
        let isPlain = { (name: Substring) in name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        }
        let name = parts.count > 2 && isPlain(parts[2]) ? AWSError.shown(String(parts[2])) : "NAME"
        return notHere("there is no Lambda API here: `sluice invoke \(name) EVENT`, `sluice functions list`")
    }

    private static func notHere(_ what: String) -> AWSError {
        AWSError("NotImplemented", "\(what). \(known)", status: 501)
    }

    private static let known = "AWS's clients may put events (EventBridge's PutEvents) and use Kinesis."

    private static func refuseS3(_ request: Request) -> Response {
        let message =
            "there is no S3 API here: buckets are folders. `cp FILE DATA/buckets/BUCKET/KEY` puts an object, and `cat`, "
            + "`ls` and `rm` are the rest; `sluice buckets list` shows where each bucket is"
        // Not 404: to HEAD that says that there is no such object.
        return xml(
            "<Error><Code>NotImplemented</Code><Message>\(escaped(message))</Message>"
                + "<Resource>\(escaped(AWSError.shown(request.uri.path)))</Resource></Error>", .notImplemented)
    }

    private static func refuse(action: String, of service: String?) -> Response {
        let of = service.map { " of \(AWSError.shown($0))" } ?? ""
        let instead =
            service == "sns"
            ? "Put events, and let rules send them on to functions, streams, webhooks and commands. " : ""
        let message = "\(AWSError.shown(action))\(of) is not answered here. \(instead)\(known)"
        return xml(
            "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>\(escaped(message))</Message>"
                + "</Error></ErrorResponse>", .badRequest)
    }

    private static func xml(_ body: String, _ status: HTTPResponse.Status) -> Response {
        Response(
            status: status, headers: [.contentType: "application/xml"],
            body: ResponseBody(
                byteBuffer: ByteBuffer(string: #"<?xml version="1.0" encoding="UTF-8"?>"# + "\n" + body)))
    }

    /// As text of XML, which has no control characters at all.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: escaped += "?"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
