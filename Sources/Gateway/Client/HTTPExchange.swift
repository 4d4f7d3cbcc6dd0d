import HostAPI
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// One request and its answer over a Unix socket, with NIO's HTTP/1.1 codec: a connection of its own, closed
/// afterwards.
enum HTTPExchange {
    enum Part: Sendable {
        case head(status: Int)
        case bytes([UInt8])
    }

    /// Sends the request; the stream ends with the answer. Leaving the stream closes the connection. No more than a
    /// megabyte is read ahead of the reader.
    static func send(
        _ method: String, _ path: String, body: [UInt8], socket: String
    ) async throws -> AsyncThrowingStream<Part, any Error> {
        let (parts, continuation) = AsyncThrowingStream<Part, any Error>.makeStream()
        let unread = UnreadBytes()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(
                        ExchangeHandler(
                            method: method, path: path, body: body, continuation: continuation, unread: unread))
                }
            }
            .connect(unixDomainSocketPath: socket).get()
        continuation.onTermination = { _ in channel.close(promise: nil) }
        return AsyncThrowingStream(unfolding: {
            var iterator = parts.makeAsyncIterator()
            let part = try await iterator.next()
            if case .bytes(let bytes)? = part, unread.remove(bytes.count) {
                channel.eventLoop.execute {
                    // It may have become too much again meanwhile.
                    if !unread.isTooMuch { _ = channel.setOption(.autoRead, value: true) }
                }
            }
            return part
        })
    }
}

/// Counts what has come and was not taken yet.
private final class UnreadBytes: Sendable {
    private static let most = 1 << 20

    private struct State {
        var bytes = 0
        var isTooMuch = false
    }

    private let state = Mutex(State())

    var isTooMuch: Bool { state.withLock { $0.isTooMuch } }

    /// True: reading is to pause.
    func add(_ count: Int) -> Bool {
        state.withLock { state in
            state.bytes += count
            guard state.bytes > Self.most, !state.isTooMuch else { return false }
            state.isTooMuch = true
            return true
        }
    }

    /// True: reading is to go on.
    func remove(_ count: Int) -> Bool {
        state.withLock { state in
            state.bytes -= count
            guard state.bytes <= Self.most / 2, state.isTooMuch else { return false }
            state.isTooMuch = false
            return true
        }
    }
}

/// Writes the request once the connection stands, and hands the answer on as it comes.
private final class ExchangeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let method: String
    private let path: String
    private let body: [UInt8]
    private let continuation: AsyncThrowingStream<HTTPExchange.Part, any Error>.Continuation
    private let unread: UnreadBytes

    init(
        method: String, path: String, body: [UInt8],
        continuation: AsyncThrowingStream<HTTPExchange.Part, any Error>.Continuation, unread: UnreadBytes
    ) {
        self.unread = unread
        self.method = method
        self.path = path
        self.body = body
        self.continuation = continuation
    }

    func channelActive(context: ChannelHandlerContext) {
        var headers = HTTPHeaders([("host", "sluice"), ("connection", "close")])
        if !body.isEmpty || method == "POST" {
            headers.add(name: "content-type", value: "application/json")
            headers.add(name: "content-length", value: "\(body.count)")
        }
        let head = HTTPRequestHead(version: .http1_1, method: .init(rawValue: method), uri: path, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !body.isEmpty { context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): continuation.yield(.head(status: Int(head.status.code)))
        case .body(let buffer):
            if unread.add(buffer.readableBytes) { _ = context.channel.setOption(.autoRead, value: false) }
            continuation.yield(.bytes(Array(buffer.readableBytesView)))
        case .end:
            continuation.finish()
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        continuation.finish(throwing: APIError.unavailable("the host closed the connection before it had answered"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        continuation.finish(throwing: error)
        context.close(promise: nil)
    }
}
