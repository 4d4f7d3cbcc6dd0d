import EventModel
import Glibc
import UVLoop

/// Where an invocation's lines are in the log files of its function.
package struct LogReference: Codable, Sendable, Hashable {
    /// Beneath the data folder's `logs`, empty if there is nothing.
    package var file: String
    package var offset: Int64
    package var length: Int64

    package static let none = LogReference(file: "", offset: 0, length: 0)
}

/// One line as it is stored: newline-delimited JSON, readable with any tool.
package struct StoredLogLine: Codable, Sendable, Hashable {
    /// RFC 3339 with milliseconds.
    package var time: String
    package var requestId: String
    package var function: String
    /// `stdout`, `stderr` or `logger`; `host`: written by the host.
    package var stream: String
    package var level: String
    package var message: String
}

/// The functions' logs: `logs/<function>/<date>.ndjson`, written by one thread, an invocation's lines together.
package final class LogStore: Sendable {
    /// What stands for the host among the functions: no function has such a name.
    package static let host = "_host"

    let folder: String
    /// One thread, so that offsets are what they were when the write began.
    private let thread = FileThreads(count: 1)
    /// Why there is no thread for it.
    var threadRefusal: String? { thread.refusal }
    private let clock: HostClock
    /// Lines as they are stored, for `logs --follow`.
    package let lines = Feed<StoredLogLine> { $0.message.utf8.count + 300 }

    package init(dataFolder: String, clock: HostClock) {
        folder = dataFolder + "/logs"
        self.clock = clock
    }

    /// Writes an invocation's lines and says where they are. A disk that refuses costs the lines, not the invocation.
    @LoopActor
    func append(_ lines: [WorkerLogLine], of context: AttemptContext) async -> LogReference {
        guard !lines.isEmpty else { return .none }
        let request = "\(context.id)"
        let function = context.attempt.function
        let day = String(Timestamp(milliseconds: clock.wall).description.prefix(10))
        return await thread.run { [folder, feed = self.lines] in
            var bytes: [UInt8] = []
            for line in lines {
                let stored = StoredLogLine(
                    time: Timestamp(milliseconds: line.time).rfc3339(fractionDigits: 3), requestId: request,
                    function: function,
                    stream: line.stream.rawValue, level: line.level, message: line.text)
                bytes += JSONText.encode(stored)
                feed.send(stored)
                bytes.append(UInt8(ascii: "\n"))
            }
            return Self.write(bytes, folder: folder, file: "\(function)/\(day).ndjson")
        }
    }

    /// Stores a line of the host's own log, some time later.
    package func append(host level: String, _ message: String, at time: Int64) {
        let text = Timestamp(milliseconds: time).rfc3339(fractionDigits: 3)
        let stored = StoredLogLine(
            time: text, requestId: "", function: Self.host, stream: "host", level: level, message: message)
        thread.perform { [folder, feed = lines] in
            feed.send(stored)
            _ = Self.write(
                JSONText.encode(stored) + [UInt8(ascii: "\n")], folder: folder,
                file: "\(Self.host)/\(text.prefix(10)).ndjson")
        }
    }

    /// The lines of one invocation. Blocking.
    package func read(_ reference: LogReference) -> [StoredLogLine] {
        guard !reference.file.isEmpty, !reference.file.split(separator: "/").contains("..") else { return [] }
        let descriptor = open("\(folder)/\(reference.file)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Int(min(reference.length, 8 << 20)))
        let count = bytes.withUnsafeMutableBytes {
            pread(descriptor, $0.baseAddress, $0.count, off_t(reference.offset))
        }
        return Self.parse(bytes.prefix(max(0, count)))
    }

    /// Removes files older than `days`. Blocking.
    package func trim(days: Int) {
        let oldest = Timestamp(milliseconds: clock.wall - Int64(days) * 86_400_000).description.prefix(10)
        for function in Self.names(in: folder) {
            for file in files(of: function) where file.prefix(10) < oldest { unlink("\(folder)/\(function)/\(file)") }
        }
    }

    /// Returns when what was appended so far is in its files: the process may end right afterwards.
    func written() async { await thread.run {} }

    package func stop() {
        thread.stop()
    }

    private static func write(_ bytes: [UInt8], folder: String, file: String) -> LogReference {
        let path = "\(folder)/\(file)"
        var descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        if descriptor < 0, errno == ENOENT {
            mkdir(folder, 0o755)
            mkdir(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]), 0o755)
            descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        }
        guard descriptor >= 0 else { return .none }
        defer { close(descriptor) }
        let offset = lseek(descriptor, 0, SEEK_END)
        let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        return count > 0 ? LogReference(file: file, offset: Int64(offset), length: Int64(count)) : .none
    }
}
