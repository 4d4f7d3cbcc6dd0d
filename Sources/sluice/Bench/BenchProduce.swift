import ArgumentParser
import Glibc
import HostAPI
import Synchronization

/// `sluice bench produce`: the producer of `bench pipeline` and `bench streams`, a process of its own on the host's public
/// socket. It keeps its connections open and speaks plain HTTP/1.1, as a producer that wants throughput does.
struct BenchProduce: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "produce", abstract: "The producer of `bench pipeline` and `bench streams`.", shouldDisplay: false)

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

    @Option(help: "A stream that gets records instead.")
    var stream: String?

    @Option(help: "Partition keys of the records; at least as many as connections.")
    var keys = 1000

    func run() throws {
        let requests = (events + batch - 1) / batch
        let next = Atomic<Int>(0)
        let accepted = Atomic<Int>(0)
        let fault = Mutex<Failure?>(nil)
        let began = BenchClock.nanoseconds
        let workers = BenchThreads.run(connections) { [self] number in
            do throws(Failure) {
                let connection = try ProducerConnection(socket: socket)
                var body: any ProducerRequest =
                    if let stream {
                        RecordBody(stream: stream, bytes: bytes, keys: keys, number: number, of: connections)
                    } else {
                        ProducerBody(bytes: bytes, detailType: detailType)
                    }
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
                    accepted.wrappingAdd(try connection.post(body), ordering: .relaxed)
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

/// What a producer sends.
protocol ProducerRequest {
    /// Of the host's API.
    var path: String { get }
    /// A word that the answer has once for everything that was accepted.
    var receipt: StaticString { get }
    var bytes: [UInt8] { get }

    /// Makes the body of the next request.
    mutating func fill(first: Int, count: Int, sent: Int64)
}

/// The body of one request, refilled for each: events of the same size that all differ.
struct ProducerBody: ProducerRequest {
    let path = "/v1/events"
    let receipt: StaticString = "\"eventID\""
    private static let head = Array("{\"entries\":[".utf8)
    private let start: [UInt8]
    private let notes: [[UInt8]]
    private(set) var bytes: [UInt8] = []

    init(bytes: Int, detailType: String) {
        start = Array("{\"source\":\"bench.pipeline\",\"detailType\":\"\(detailType)\",\"detail\":{\"id\":".utf8)
        // The envelope around it has some 250 bytes.
        notes = Self.notes(bytes - 250)
    }

    /// Texts of a length that differ.
    static func notes(_ length: Int) -> [[UInt8]] {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        let alphabet = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .".utf8)
        return (0..<997).map { _ in
            (0..<max(1, length)).map { _ in
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
