internal import CLibUV

/// What a descriptor is watched for, and what it is ready for.
package struct PollEvents: OptionSet, Sendable, Hashable {
    package let rawValue: Int32

    package init(rawValue: Int32) { self.rawValue = rawValue }

    /// Bytes, an end of file or a connection can be read.
    package static let readable = PollEvents(rawValue: 1)
    package static let writable = PollEvents(rawValue: 2)
    /// The other end has closed (or shut down writing). Reported beside `readable`.
    package static let disconnect = PollEvents(rawValue: 4)
}

/// Watches one descriptor on the host's loop, level-triggered: the handler is called again as long as the descriptor
/// stays ready. The descriptor stays the caller's; it is made non-blocking, and must be open until `cancel` was called.
@LoopActor
package final class LoopPoll {
    package typealias Handler = @LoopActor (_ ready: PollEvents, _ error: UVError?) -> Void

    private var box: PollBox?

    /// - Throws: `UVError` where the descriptor cannot be polled (a regular file) or is watched already.
    package init(descriptor: Int32, events: PollEvents, handler: @escaping Handler) throws(UVError) {
        let box = try PollBox(loop: UVLoop.shared, descriptor: descriptor) { ready, error in
            LoopActor.assumeIsolated { handler(ready, error) }
        }
        self.box = box
        try box.watch(events)
    }

    /// Watches for other events from now on; an empty set pauses.
    package func watch(_ events: PollEvents) throws(UVError) {
        try box?.watch(events)
    }

    /// Stops watching. Afterwards the descriptor may be closed, and the handler is not called any more.
    package func cancel() {
        box?.close()
        box = nil
    }

    isolated deinit {
        box?.close()
    }

    /// For `uv_walk`: closes any handle, and frees the box of a poll.
    nonisolated static let freeIfPoll: @convention(c) (UnsafeMutablePointer<uv_handle_t>?) -> Void = { handle in
        guard let handle, uv_handle_get_type(handle) == UV_POLL else { return }
        PollBox.release(handle)
    }
}

/// The nonisolated side of a poll: what libuv's callback sees. It holds itself from `init` to the close callback.
final class PollBox {
    private let handle: UnsafeMutablePointer<uv_poll_t>
    private let handler: (PollEvents, UVError?) -> Void
    private let loop: UVLoop
    private var closed = false

    init(loop: UVLoop, descriptor: Int32, handler: @escaping (PollEvents, UVError?) -> Void) throws(UVError) {
        loop.checkIsolated()
        self.loop = loop
        self.handler = handler
        handle = .allocate(capacity: 1)
        let status = uv_poll_init(loop.loop, handle, descriptor)
        guard status >= 0 else {
            handle.deallocate()
            throw UVError(call: "uv_poll_init", status: status)
        }
        handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
    }

    func watch(_ events: PollEvents) throws(UVError) {
        guard !closed else { return }
        if events.isEmpty {
            try UVError.check(uv_poll_stop(handle), "uv_poll_stop")
            return
        }
        var mask: Int32 = 0
        if events.contains(.readable) { mask |= Int32(UV_READABLE.rawValue) }
        if events.contains(.writable) { mask |= Int32(UV_WRITABLE.rawValue) }
        if events.contains(.disconnect) { mask |= Int32(UV_DISCONNECT.rawValue) }
        try UVError.check(uv_poll_start(handle, mask, PollBox.ready), "uv_poll_start")
    }

    func close() {
        guard !closed else { return }
        closed = true
        handle.withMemoryRebound(to: uv_handle_t.self, capacity: 1) { uv_close($0, PollBox.release) }
    }

    static let release: uv_close_cb = { handle in
        guard let handle, let data = handle.pointee.data else { return }
        let box = Unmanaged<PollBox>.fromOpaque(data).takeRetainedValue()
        box.closed = true
        box.handle.deallocate()
    }

    private static let ready: uv_poll_cb = { handle, status, events in
        guard let data = handle?.pointee.data else { return }
        let box = Unmanaged<PollBox>.fromOpaque(data).takeUnretainedValue()
        var ready: PollEvents = []
        if events & Int32(UV_READABLE.rawValue) != 0 { ready.insert(.readable) }
        if events & Int32(UV_WRITABLE.rawValue) != 0 { ready.insert(.writable) }
        if events & Int32(UV_DISCONNECT.rawValue) != 0 { ready.insert(.disconnect) }
        let error = status < 0 ? UVError(call: "uv_poll", status: status) : nil
        box.loop.inCallback { box.handler(ready, error) }
    }
}
