import ArgumentParser
import CLinux
import Dispatch
import Glibc
import HostAPI
import Synchronization

/// `sluice bench produce`: the producer of `bench pipeline` and `bench streams`, a process of its own on the host's
/// public socket. It keeps its connections open and speaks plain HTTP/1.1, as a producer that wants throughput does.
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
        // The clock starts when every connection is there and has its first texts made: that is the producer's work,
        // and took 10 ms in which as many requests were due as a hundredth of a run of a second has.
        let start = Atomic<Int64>(0)
        let (isReady, mayStart) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let workers = BenchThreads.run(connections) { [self] number in
            // The clock of a request starts when it is due: what the kernel adds to a sleep by default (50 us) would
            // count as the host's.
            clinux_exact_timers()
            // And so would its own wait for a processor, which the host cannot shorten.
            clinux_ask_short_turns()
            var opened: ProducerConnection?
            do throws(Failure) {
                opened = try ProducerConnection(socket: socket)
            } catch {
                fault.withLock { $0 = error }
            }
            var body: any ProducerRequest =
                if let stream {
                    RecordBody(stream: stream, bytes: bytes, keys: keys, number: number, of: connections)
                } else {
                    ProducerBody(bytes: bytes, detailType: detailType)
                }
            isReady.signal()
            mayStart.wait()
            guard let connection = opened else { return }
            let began = start.load(ordering: .acquiring)
            do throws(Failure) {
                while true {
                    let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard index < requests, fault.withLock({ $0 == nil }) else { return }
                    let count = min(batch, events - index * batch)
                    // With a rate, a request counts from when it should have been sent: waiting for a slow host is
                    // part of what is measured.
                    var (sent, late) = (BenchClock.nanoseconds, Int64(0))
                    if rate > 0 {
                        let due = began + Int64(Double(index * batch) / rate * 1e9)
                        BenchClock.sleep(until: due)
                        (sent, late) = (due, BenchClock.nanoseconds - due)
                    }
                    body.fill(first: index * batch, count: count, sent: sent, late: late)
                    accepted.wrappingAdd(try connection.post(body), ordering: .relaxed)
                }
            } catch {
                fault.withLock { $0 = error }
            }
        }
        for _ in 0..<connections { isReady.wait() }
        let began = BenchClock.nanoseconds
        start.store(began, ordering: .releasing)
        for _ in 0..<connections { mayStart.signal() }
        workers.join()
        if let fault = fault.withLock({ $0 }) { throw fault }
        let took = Double(BenchClock.nanoseconds - began) / 1e9
        print("\(accepted.load(ordering: .relaxed)) \(took)")
    }
}
