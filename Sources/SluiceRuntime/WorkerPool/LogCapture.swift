import Glibc
package import Journal
import UVLoop

/// Collects what one invocation writes: lines of stdout and stderr and of its logger, up to a megabyte
/// and 50,000 lines, then a mark.
package struct LogCapture: Sendable {
    static let limit = 1 << 20
    /// Each is stored with its time and its names, some 150 bytes also where it is empty.
    package static let maximumLines = 50_000
    static let levels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

    package private(set) var lines: [WorkerLogLine] = []
    private var bytes = 0
    private var isCut = false
    private var partial: [WorkerLogLine.Stream: [UInt8]] = [:]

    package init() {}

    package mutating func add(_ chunk: ArraySlice<UInt8>, from stream: WorkerLogLine.Stream, at time: Milliseconds) {
        guard !isCut else { return }
        var rest = chunk
        while let feed = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = (partial.removeValue(forKey: stream) ?? []) + rest[..<feed]
            rest = rest[(feed + 1)...]
            note(stream, stream == .stderr ? "error" : "info", time, line)
        }
        if !rest.isEmpty { partial[stream, default: []] += rest }
        // A line without an end must not grow without end either.
        if let line = partial[stream], line.count > Self.limit { finish(at: time) }
    }

    mutating func add(level: UInt32, line: [UInt8], at time: Milliseconds) {
        note(.logger, Self.levels[min(Int(level), Self.levels.count - 1)], time, line)
    }

    /// The invocation is over: what has no line feed is a line all the same.
    package mutating func finish(at time: Milliseconds) {
        for stream in [WorkerLogLine.Stream.stdout, .stderr] {
            if let line = partial.removeValue(forKey: stream), !line.isEmpty {
                note(stream, stream == .stderr ? "error" : "info", time, line)
            }
        }
    }

    private mutating func note(_ stream: WorkerLogLine.Stream, _ level: String, _ time: Milliseconds, _ line: [UInt8]) {
        guard !isCut else { return }
        bytes += line.count + 1
        if bytes > Self.limit || lines.count >= Self.maximumLines {
            isCut = true
            partial = [:]
            lines.append(
                WorkerLogLine(
                    stream: .logger, level: "warning", time: time,
                    text: "… the rest of this invocation's output was dropped: it wrote more than 1 MB or 50,000 lines")
            )
            return
        }
        lines.append(
            WorkerLogLine(stream: stream, level: level, time: time, text: String(decoding: line, as: UTF8.self)))
    }
}

/// A pipe from a worker, read on the loop as it fills.
@LoopActor
final class PipeReader {
    private let descriptor: Int32
    private var poll: LoopPoll?
    private var buffer = [UInt8](repeating: 0, count: 32 << 10)
    private let receive: @LoopActor (ArraySlice<UInt8>) -> Void

    /// Owns `descriptor`.
    init(descriptor: Int32, receive: @escaping @LoopActor (ArraySlice<UInt8>) -> Void) throws {
        self.descriptor = descriptor
        self.receive = receive
        poll = try LoopPoll(descriptor: descriptor, events: .readable) { [weak self] _, _ in self?.drain() }
    }

    /// Reads what is there now: a pipe's worth and a little more, because a process that writes without end could keep
    /// the loop here for ever.
    func drain() {
        var rounds = 0
        while poll != nil, rounds < 8 {
            rounds += 1
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 { return }
            if count == 0 { return close() }
            receive(buffer[..<count])
        }
    }

    func close() {
        guard let poll else { return }
        poll.cancel()
        self.poll = nil
        Glibc.close(descriptor)
    }
}
