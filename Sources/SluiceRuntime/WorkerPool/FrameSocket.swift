import CFunctionABI
import CLinux
import Glibc
import UVLoop

/// One end of a frame socket on the loop: reads what comes, writes what the kernel takes and keeps the rest.
@LoopActor
final class FrameSocket {
    private let descriptor: Int32
    private var poll: LoopPoll?
    private var reader = FrameReader()
    private var outgoing: [(bytes: [UInt8], offset: Int, descriptors: [Int32])] = []
    /// The kernel's buffer was full: the rest waits for room.
    private var isBlocked = false
    private let receive: @LoopActor (Frame) -> Void
    private let ended: @LoopActor () -> Void
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    /// Owns `descriptor`. `ended` is called once, when the peer is gone or breaks the protocol.
    init(
        descriptor: Int32, receive: @escaping @LoopActor (Frame) -> Void, ended: @escaping @LoopActor () -> Void
    ) throws {
        self.descriptor = descriptor
        self.receive = receive
        self.ended = ended
        poll = try LoopPoll(descriptor: descriptor, events: .readable) { [weak self] ready, _ in self?.ready(ready) }
    }

    var isOpen: Bool { poll != nil }

    /// Sends a frame; its descriptors become this socket's, which closes them once they are sent.
    func send(_ bytes: [UInt8], descriptors: [Int32] = []) {
        guard isOpen else {
            for descriptor in descriptors { Glibc.close(descriptor) }
            return
        }
        outgoing.append((bytes, 0, descriptors))
        flush()
    }

    func close() {
        guard let poll else { return }
        poll.cancel()
        self.poll = nil
        Glibc.close(descriptor)
        for item in outgoing { for descriptor in item.descriptors { Glibc.close(descriptor) } }
        outgoing = []
        for descriptor in reader.takeDescriptors() { Glibc.close(descriptor) }
    }

    private func ready(_ events: PollEvents) {
        if events.contains(.writable) { flush() }
        if events.contains(.readable) || events.contains(.disconnect) { drain(rounds: 8) }
    }

    private func flush() {
        while let item = outgoing.first {
            let sent = item.bytes.withUnsafeBytes { raw in
                clinux_send(
                    descriptor, raw.baseAddress! + item.offset, raw.count - item.offset, item.descriptors,
                    item.descriptors.count)
            }
            if sent < 0 {
                // Full: the rest goes when there is room. Gone: the reading side will say so.
                if errno == EAGAIN, !isBlocked {
                    isBlocked = true
                    try? poll?.watch([.readable, .writable])
                }
                return
            }
            for descriptor in item.descriptors { Glibc.close(descriptor) }
            outgoing[0].descriptors = []
            outgoing[0].offset += sent
            if outgoing[0].offset == item.bytes.count { outgoing.removeFirst() }
        }
        // Not without need: each change costs the loop two system calls.
        if isBlocked {
            isBlocked = false
            try? poll?.watch(.readable)
        }
    }

    /// Reads what there is and hands it out frame by frame.
    /// - Parameter rounds: of a buffer each. A handler that logs without end could keep the loop here for ever; what is
    ///   left when the loop calls is told again. At the end of a process the rest is more than a socket holds.
    func drain(rounds: Int = 256) {
        for _ in 0..<rounds where isOpen {
            var descriptors = [Int32](repeating: -1, count: Int(CLINUX_MAX_FDS))
            var descriptorCount = 0
            let count = buffer.withUnsafeMutableBytes { raw in
                clinux_receive(descriptor, raw.baseAddress!, raw.count, &descriptors, &descriptorCount)
            }
            if count < 0, errno == EAGAIN { return }
            guard count > 0 else { return finish() }
            buffer.withUnsafeBytes { raw in
                reader.feed(
                    UnsafeRawBufferPointer(rebasing: raw[..<count]), descriptors: Array(descriptors[..<descriptorCount])
                )
            }
            do {
                while isOpen, let frame = try reader.next() { receive(frame) }
            } catch {
                return finish()
            }
            if count < buffer.count { return }
        }
    }

    private func finish() {
        guard isOpen else { return }
        close()
        ended()
    }
}
