import HostAPI
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// HTTP/1 connections whose tasks run on the thread that reads their socket, and not on Swift's pool.
///
/// A request of a few events costs more in waking threads than in work: this way it is read, checked, matched and
/// answered by one thread, and only the journal's is waked between. Nothing on these threads may wait for a disk; what
/// must, goes to the host's file threads.
struct LoopChannel: ServerChildChannel {
    let base: HTTP1Channel
    /// Who takes producers' events in; nil: the router has no such route.
    let intake: (any HostControl)?

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        base.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self).handler
            var handlers: [any ChannelHandler] = [ContinueHandler()]
            if let intake { handlers.append(IntakeHandler(control: intake)) }
            try pipeline.addHandlers(handlers, position: .after(decoder))
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await withTaskExecutorPreference(LoopTaskExecutor(loop: value.channel.eventLoop)) {
            await base.handle(value: value, logger: logger)
        }
    }
}

/// Runs jobs on the thread of an event loop.
private final class LoopTaskExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(loop: any EventLoop) {
        self.loop = loop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

extension HTTPServerBuilder {
    /// HTTP/1 served on the loops' own threads.
    /// - Parameter idle: a connection on which nothing was asked for so long, or whose request does not come to its
    ///   end, is closed.
    static func onLoops(idle: TimeAmount) -> HTTPServerBuilder {
        HTTPServerBuilder {
            LoopChannel(
                base: HTTP1Channel(responder: $0, configuration: HTTP1Channel.Configuration(idleTimeout: idle)),
                intake: nil)
        }
    }

    /// The same without a limit of time, with a short way for producers' events.
    static func onLoops(intake: any HostControl) -> HTTPServerBuilder {
        HTTPServerBuilder { LoopChannel(base: HTTP1Channel(responder: $0), intake: intake) }
    }
}
