import HTTPTypes
import Hummingbird
import NIOCore

/// What a request is answered with beside itself: its connection, above all.
struct GatewayContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    private let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// The body of a request, once it is all there. A client that waits to be told to send it is told so here, and not
    /// where the body is too long: what will be refused need not come.
    func body(of request: Request, upTo limit: Int) async throws -> [UInt8] {
        if request.headers[.expect] != nil {
            if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit {
                throw HTTPError(.contentTooLarge)
            }
            try await channel.triggerUserOutboundEvent(ContinueHandler.BodyWanted()).get()
        }
        return Array(try await request.body.collect(upTo: limit).readableBytesView)
    }
}
