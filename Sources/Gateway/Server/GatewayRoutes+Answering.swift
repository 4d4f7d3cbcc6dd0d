import FunctionJSON
import HostAPI
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle

/// Binds routes to what answers them, and writes the answers.
extension GatewayRoutes {
    /// A route whose answer is one JSON value.
    static func answer<Value: Encodable & SendableMetatype>(
        _ route: Route, on router: Router<Context>, _ body: @escaping @Sendable (GatewayCall) async throws -> Value
    ) {
        answerBytes(route, on: router) { try TapeEncoder().encode(try await body($0)) }
    }

    /// A route whose answer is one JSON value, written already.
    static func answerBytes(
        _ route: Route, on router: Router<Context>, _ body: @escaping @Sendable (GatewayCall) async throws -> [UInt8]
    ) {
        router.on(RouterPath(route.template), method: route.method.httpMethod) { request, context in
            do {
                return json(try await body(GatewayCall(request: request, context: context)), status: .ok)
            } catch {
                return try failure(error)
            }
        }
    }

    /// A route whose answer is one JSON value a line, for as long as there are any and the client stays.
    static func stream<Element: Encodable & Sendable>(
        _ route: Route, on router: Router<Context>,
        _ body: @escaping @Sendable (GatewayCall) async throws -> AsyncThrowingStream<Element, any Error>
    ) {
        router.on(RouterPath(route.template), method: route.method.httpMethod) { request, context in
            do {
                let elements = try await body(GatewayCall(request: request, context: context))
                return Response(
                    status: .ok, headers: [.contentType: "application/x-ndjson"],
                    body: ResponseBody { writer in try await write(elements, of: request, to: &writer) })
            } catch {
                return try failure(error)
            }
        }
    }

    /// Writes until the stream ends, the host stops, or the client leaves: a client that reads a quiet stream would
    /// otherwise keep a host from stopping, and one that left would be noticed with the next element only.
    private static func write<Element: Encodable & Sendable>(
        _ elements: AsyncThrowingStream<Element, any Error>, of request: Request,
        to writer: inout any ResponseBodyWriter
    ) async throws {
        // The head goes out now, so that the client knows that it is heard.
        try await writer.write(ByteBuffer())
        try await request.body.consumeWithCancellationOnInboundClose { _ in
            for try await element in elements.cancelOnGracefulShutdown() {
                var line = try TapeEncoder().encode(element)
                line.append(UInt8(ascii: "\n"))
                try await writer.write(ByteBuffer(bytes: line))
            }
        }
        try await writer.finish(nil)
    }

    private static func json(_ value: some Encodable, status: HTTPResponse.Status) throws -> Response {
        json(try TapeEncoder().encode(value), status: status)
    }

    private static func json(_ bytes: [UInt8], status: HTTPResponse.Status) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    static func failure(_ error: any Error) throws -> Response {
        let known = apiError(error)
        return try json(known, status: HTTPResponse.Status(code: known.status))
    }

    private static func apiError(_ error: any Error) -> APIError {
        switch error {
        case let error as APIError: error
        case let error as any HTTPResponseError where error.status == .contentTooLarge: tooLong
        case let error as DecodingError: .invalidRequest("the request's body cannot be read: \(error)")
        default: .internalError("\(error)")
        }
    }

    static let tooLong = APIError(
        status: 413, code: "RequestTooLarge", message: "the request is longer than \(bodyLimit) bytes",
        hint: "send less at a time")

    /// Status and body of an answer that does not pass through the router.
    static func answer(_ result: Result<[UInt8], any Error>) -> (status: Int, body: [UInt8]) {
        do {
            return (200, try result.get())
        } catch {
            let known = apiError(error)
            return (known.status, (try? TapeEncoder().encode(known)) ?? [])
        }
    }
}

/// A request with what routes want of it.
struct GatewayCall {
    let request: Request
    let context: GatewayRoutes.Context

    var query: QueryItems {
        QueryItems(request.uri.queryParameters.map { (String($0.key), String($0.value)) })
    }

    func parameter(_ name: String) throws -> String {
        guard let raw = context.parameters.get(name), let text = PercentEncoding.decode(raw) else {
            throw APIError.invalidRequest("the path has no valid `\(name)`")
        }
        return text
    }

    func body<Value: Decodable>() async throws -> Value {
        try TapeDecoder().decode(Value.self, from: try await bytes())
    }

    func bytes() async throws -> [UInt8] {
        try await context.body(of: request, upTo: GatewayRoutes.bodyLimit)
    }
}

extension Route.Method {
    var httpMethod: HTTPRequest.Method {
        switch self {
        case .get: .get
        case .post: .post
        }
    }
}
