import NIOCore
import NIOHTTP1

/// `Expect: 100-continue`: a client announces a body, and sends it once it is told to.
///
/// It is told so when what answers the request begins to read the body (`BodyWanted`). An answer that is given before
/// ends the connection: the client may send the body all the same, or leave it out and send its next request, and
/// nothing tells the one from the other. Neither NIO nor Hummingbird has such a handler.
final class ContinueHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// The event that says that a request's body will be read.
    struct BodyWanted: Sendable {}

    private enum State {
        case passing
        /// The head of the latest request was read, and its client waits.
        case expected
        /// The answer to it is being written.
        case refusing
        /// The answer is out. What still comes is read, for a connection that is closed over unread bytes is reset,
        /// and the answer with it.
        case closing
    }

    /// For so long a client may send what nobody will read.
    private static let linger = TimeAmount.seconds(5)

    private var state = State.passing
    /// Requests that are not answered yet.
    private var unanswered = 0
    private var closing: Scheduled<Void>?

    // MARK: What comes in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .closing = state { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            unanswered += 1
            // Of a connection that is about to end nothing more is taken.
            if case .passing = state, Self.expects(head) { state = .expected }
        case .body, .end:
            // It did not wait.
            if case .expected = state { state = .passing }
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Such as that a body has not come to its end.
        if case .closing = state { return }
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        closing?.cancel()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { closing?.cancel() }

    private static func expects(_ head: HTTPRequestHead) -> Bool {
        head.version == .http1_1 && head.headers[canonicalForm: "expect"].contains { $0.lowercased() == "100-continue" }
    }

    // MARK: What goes out

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is BodyWanted else { return context.triggerUserOutboundEvent(event, promise: promise) }
        if isAnsweringExpected {
            state = .passing
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        }
        promise?.succeed()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where isAnsweringExpected && head.status.code >= 200:
            state = .refusing
            head.headers.replaceOrAdd(name: "connection", value: "close")
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            unanswered -= 1
            guard case .refusing = state else { return context.write(data, promise: promise) }
            state = .closing
            context.writeAndFlush(data, promise: promise)
            context.close(mode: .output, promise: nil)
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            closing = context.eventLoop.scheduleTask(in: Self.linger) { bound.value.close(promise: nil) }
        default:
            context.write(data, promise: promise)
        }
    }

    /// Answers are written in the order of the requests: those before the latest have theirs.
    private var isAnsweringExpected: Bool {
        if case .expected = state { unanswered == 1 } else { false }
    }
}
