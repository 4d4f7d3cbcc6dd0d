import ArgumentParser
import Glibc
import HostAPI
import Synchronization

/// `sluice bench produce`: the producer of `bench pipeline`, a process of its own on the host's public socket. It keeps
/// its connections open and speaks plain HTTP/1.1, as a producer that wants throughput does.
struct BenchProduce: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "produce", abstract: "The producer of `bench pipeline`.", shouldDisplay: false)

    @Option(help: "The host's socket.")
    var socket: String

    @Option(help: "Events to put.")
    var events: Int

    @Option(help: "Events a request.")
    var batch: Int

    @Option(help: "Connections, each with one request on its way.")
    var connections: Int

    @Option(help: "Events a second; 0: as fast as they are taken.")
    var rate: Double

    @Option(help: "Bytes of an event.")
    var bytes: Int

    @Option(name: .customLong("type"), help: "The events' detail-type.")
    var detailType = "Sample"

    func run() throws {
        let requests = (events + batch - 1) / batch
        let next = Atomic<Int>(0)
        let accepted = Atomic<Int>(0)
        let fault = Mutex<Failure?>(nil)
        let began = BenchClock.nanoseconds
        let workers = BenchThreads.run(connections) { [self] _ in
            do throws(Failure) {
                let connection = try ProducerConnection(socket: socket)
                var body = ProducerBody(bytes: bytes, detailType: detailType)
                while true {
                    let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard index < requests, fault.withLock({ $0 == nil }) else { return }
                    let count = min(batch, events - index * batch)
                    // With a rate, a request counts from when it should have been sent: waiting for a slow host is
                    // part of what is measured.
                    var sent = BenchClock.nanoseconds
                    if rate > 0 {
                        let due = began + Int64(Double(index * batch) / rate * 1e9)
                        BenchClock.sleep(until: due)
                        sent = due
                    }
                    body.fill(first: index * batch, count: count, sent: sent)
                    accepted.wrappingAdd(try connection.post(body.bytes), ordering: .relaxed)
                }
            } catch {
                fault.withLock { $0 = error }
            }
        }
        workers.join()
        if let fault = fault.withLock({ $0 }) { throw fault }
        let took = Double(BenchClock.nanoseconds - began) / 1e9
        print("\(accepted.load(ordering: .relaxed)) \(took)")
    }
}

/// The monotonic clock that all processes share.
enum BenchClock {
    static var nanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    static func sleep(until due: Int64) {
        var time = timespec(tv_sec: Int(due / 1_000_000_000), tv_nsec: Int(due % 1_000_000_000))
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
    }
}

/// A few threads that are waited for.
struct BenchThreads {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private var threads: [pthread_t] = []

    static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) -> BenchThreads {
        var result = BenchThreads()
        for index in 0..<count {
            var thread = pthread_t()
            let box = Unmanaged.passRetained(Body { body(index) })
            pthread_create(
                &thread, nil,
                { context in
                    if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
                    return nil
                }, box.toOpaque())
            result.threads.append(thread)
        }
        return result
    }

    func join() {
        for thread in threads { pthread_join(thread, nil) }
    }
}

/// The body of one request, refilled for each: events of the same size that all differ.
struct ProducerBody {
    private static let head = Array("{\"entries\":[".utf8)
    private let start: [UInt8]
    private let notes: [[UInt8]]
    private(set) var bytes: [UInt8] = []

    init(bytes: Int, detailType: String) {
        start = Array("{\"source\":\"bench.pipeline\",\"detailType\":\"\(detailType)\",\"detail\":{\"id\":".utf8)
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        let alphabet = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .".utf8)
        // The envelope around it has some 250 bytes.
        notes = (0..<997).map { _ in
            (0..<max(1, bytes - 250)).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return alphabet[Int(state >> 58)]
            }
        }
    }

    mutating func fill(first: Int, count: Int, sent: Int64) {
        bytes.removeAll(keepingCapacity: true)
        bytes += Self.head
        for index in first..<first + count {
            if index > first { bytes.append(UInt8(ascii: ",")) }
            bytes += start
            bytes += "\(index),\"sent\":\(sent),\"note\":\"".utf8
            bytes += notes[index % notes.count]
            bytes += "\"}}".utf8
        }
        bytes += "]}".utf8
    }
}

/// A kept-alive HTTP/1.1 connection over the Unix socket, one request at a time.
final class ProducerConnection {
    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 1 << 20)

    init(socket path: String) throws(Failure) {
        descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if status != 0 { throw .system("cannot connect to \(path)") }
    }

    deinit { close(descriptor) }

    /// Sends the events and returns how many of them were accepted.
    func post(_ body: [UInt8]) throws(Failure) -> Int {
        let head =
            "POST /v1/events HTTP/1.1\r\nhost: sluice\r\ncontent-type: application/json\r\ncontent-length: \(body.count)\r\n\r\n"
        try send(Array(head.utf8))
        try send(body)
        var count = 0
        while true {
            let got = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + count, $0.count - count) }
            guard got > 0 else { throw .system("the host closed the connection") }
            count += got
            switch Self.answer(in: buffer[..<count]) {
            case .partial: break
            case .accepted(let events): return events
            case .refused:
                throw Failure("the host refused: \(String(decoding: buffer[..<min(count, 2000)], as: UTF8.self))")
            }
            if count == buffer.count { buffer += [UInt8](repeating: 0, count: count) }
        }
    }

    private func send(_ bytes: [UInt8]) throws(Failure) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + done, $0.count - done) }
            guard count > 0 else { throw .system("cannot send to the host") }
            done += count
        }
    }

    private enum Answer {
        case partial, refused
        /// How many events have an id.
        case accepted(Int)
    }

    private static func answer(in bytes: ArraySlice<UInt8>) -> Answer {
        bytes.withUnsafeBytes { text in
            guard let end = find("\r\n\r\n", in: text, from: 0) else { return .partial }
            let head = String(decoding: text[..<end], as: UTF8.self).lowercased()
            guard let field = head.firstRange(of: "content-length: ") else { return .refused }
            let length = Int(head[field.upperBound...].prefix { $0.isNumber }) ?? 0
            guard text.count >= end + 4 + length else { return .partial }
            guard head.hasPrefix("http/1.1 200") else { return .refused }
            var count = 0
            var at = end
            while let next = find("\"eventID\"", in: text, from: at) {
                count += 1
                at = next + 9
            }
            return .accepted(count)
        }
    }

    private static func find(_ needle: StaticString, in text: UnsafeRawBufferPointer, from: Int) -> Int? {
        guard let base = text.baseAddress else { return nil }
        let (length, first) = (needle.utf8CodeUnitCount, Int32(needle.utf8Start.pointee))
        var at = from
        while at + length <= text.count, let found = memchr(base + at, first, text.count - at - length + 1) {
            if memcmp(found, needle.utf8Start, length) == 0 { return UnsafeRawPointer(found) - base }
            at = UnsafeRawPointer(found) - base + 1
        }
        return nil
    }
}
