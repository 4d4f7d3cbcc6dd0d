import FunctionJSON
import HostAPI
import HTTPTypes
import NIOCore
import NIOHTTP1

/// Answers producers' `POST /v1/events` where the connection is read: no task is started and nothing hops, for at a
/// few events a request these cost several times what the events do. Everything else goes by, to the router, which
/// has the same route for requests that are unusual (HTTP/1.0, `Connection: close`, `Expect`) or come behind others
/// that are not answered yet.
///
/// It stands between the HTTP codec and Hummingbird's handlers, which never see what is answered here. While an answer
/// is awaited, all that comes in (the next request, the end of the input, a malformed request, the host's own word that
/// the connection shall close) is held back, in order.
final class IntakeHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        /// What comes belongs to others.
        case passing
        case collecting([UInt8])
        /// It was refused before its end.
        case skipping
        case awaiting
    }

    private enum Held {
        case part(HTTPServerRequestPart)
        case event(Any)
        case error(any Error)
    }

    /// So much may be held back before the connection is not read any more.
    private static let heldParts = 16

    private let control: any HostControl
    private var state = State.passing
    /// Requests of others that are not answered yet.
    private var passed = 0
    private var held = CircularBuffer<Held>()
    private var isReadingHeld = false
    /// Something was passed on since the last `channelReadComplete`.
    private var hasPassedOn = false
    private var wantsToRead = false
    private var context: ChannelHandlerContext?
    private var date = HTTPDate()

    init(control: any HostControl) {
        self.control = control
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    // MARK: What comes in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if isHolding { held.append(.part(part)) } else { take(part, context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard hasPassedOn else { return }
        hasPassedOn = false
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if isHolding { held.append(.event(event)) } else { context.fireUserInboundEventTriggered(event) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isHolding { held.append(.error(error)) } else { context.fireErrorCaught(error) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        held.removeAll()
        state = .passing
        context.fireChannelInactive()
    }

    func read(context: ChannelHandlerContext) {
        if held.count >= Self.heldParts { wantsToRead = true } else { context.read() }
    }

    private var isHolding: Bool {
        if case .awaiting = state { true } else { !held.isEmpty && !isReadingHeld }
    }

    private func take(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch (state, part) {
        case (.passing, .head(let head)) where passed == 0 && Self.isIntake(head):
            var body: [UInt8] = []
            let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
            body.reserveCapacity(max(0, min(length, GatewayRoutes.bodyLimit)))
            state = .collecting(body)
        case (.passing, _):
            if case .head = part { passed += 1 }
            hasPassedOn = true
            context.fireChannelRead(wrapInboundOut(part))
        case (.collecting(var body), .body(let buffer)):
            // Not two owners of the bytes while they grow.
            state = .skipping
            guard body.count + buffer.readableBytes <= GatewayRoutes.bodyLimit else {
                return answer(.failure(GatewayRoutes.tooLong), context)
            }
            buffer.withUnsafeReadableBytes { body.append(contentsOf: $0) }
            state = .collecting(body)
        case (.collecting(let body), .end):
            state = .awaiting
            submit(body, context)
        case (.skipping, .end):
            state = .passing
        case (_, _):
            break
        }
    }

    private static func isIntake(_ head: HTTPRequestHead) -> Bool {
        head.method == .POST && head.uri == path && head.version == .http1_1 && head.isKeepAlive
            && !head.headers.contains(name: "expect")
    }

    private static let path = Routes.putEvents.path()

    // MARK: The answer

    private func submit(_ body: [UInt8], _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let loop = context.eventLoop
        do {
            try control.putEvents(GatewayRoutes.submission(body)) { receipt in
                loop.execute { bound.value.finish(with: receipt) }
            }
        } catch {
            // Not at once: what was read with this request is still being handed to this.
            loop.execute { bound.value.finish { throw error } }
        }
    }

    private func finish(with receipt: EventReceipt.Making) {
        // The connection may be gone, and with it who waits.
        guard let context, case .awaiting = state else { return }
        state = .passing
        answer(Result { try receipt().json }, context)
        takeHeld(context)
    }

    private func takeHeld(_ context: ChannelHandlerContext) {
        guard !held.isEmpty else { return }
        isReadingHeld = true
        while !isAwaiting, let next = held.popFirst() {
            switch next {
            case .part(let part): take(part, context)
            case .event(let event): context.fireUserInboundEventTriggered(event)
            case .error(let error): context.fireErrorCaught(error)
            }
        }
        isReadingHeld = false
        channelReadComplete(context: context)
        if wantsToRead, held.count < Self.heldParts {
            wantsToRead = false
            context.read()
        }
    }

    private var isAwaiting: Bool { if case .awaiting = state { true } else { false } }

    private func answer(_ result: Result<[UInt8], any Error>, _ context: ChannelHandlerContext) {
        let (status, bytes) = GatewayRoutes.answer(result)
        var headers = HTTPHeaders()
        headers.reserveCapacity(4)
        headers.add(name: "content-type", value: "application/json")
        headers.add(name: "content-length", value: "\(bytes.count)")
        headers.add(name: "date", value: date.text)
        headers.add(name: "server", value: GatewayService.name)
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: bytes)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    // MARK: What goes out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { passed -= 1 }
        context.write(data, promise: promise)
    }
}
