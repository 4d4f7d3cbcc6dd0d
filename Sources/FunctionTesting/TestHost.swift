public import FunctionKit
import FunctionProtocol
import Synchronization

/// A host for tests: buckets and a catalog in memory, and everything a function did. Handlers run through the same code
/// as in a worker, down to the C table of services; only what answers behind it is fake.
///
/// ```swift
/// let host = TestHost()
/// host.put("landing-zone", "shop/orders/1.csv", "id,total\n1,9.5\n")
/// let run = await host.invoke(CSVToParquet(), objectCreated: "landing-zone", "shop/orders/1.csv")
/// #expect(run.failure == nil)
/// #expect(host.keys("clean-zone").count == 1)
/// ```
///
/// Like the real host it commits what an invocation staged only when it succeeds, all of it or none. Buckets exist as
/// soon as they are named.
public final class TestHost: Sendable {
    /// What function.yaml says of the function.
    public struct Settings: Sendable {
        public var functionName = "TestFunction"
        public var functionVersion = 1
        public var timeout: Duration = .seconds(60)
        public var memorySize = 512
        public var environment: [String: String] = [:]
        /// The `configuration` mapping.
        public var configuration: JSONValue = [:]
        public var logLevel = Logger.Level.trace
        /// The streams that sluice.yaml declares; nil: whichever is named.
        public var streams: Set<String>?
        /// Nil allows everything; otherwise what is not granted is refused with `AccessDenied`.
        public var grants: Grants?

        public init() {}
    }

    /// The `grants` of function.yaml: buckets to read and to write, buses to put events on, streams to put records
    /// into. `*` stands for all.
    public struct Grants: Sendable {
        public var read: Set<String>
        public var write: Set<String>
        public var events: Set<String>
        public var streams: Set<String>

        public init(
            read: Set<String> = [], write: Set<String> = [], events: Set<String> = [], streams: Set<String> = []
        ) {
            self.read = read
            self.write = write
            self.events = events
            self.streams = streams
        }
    }

    /// An object of the fake store.
    struct Stored: Sendable {
        var bytes: [UInt8]
        var version: Int
        var lastModified: Timestamp
    }

    struct State: Sendable {
        var buckets: [String: [String: Stored]] = [:]
        var tables: [String: StoredTable] = [:]
        var events: [SentEvent] = []
        var records: [StreamRecord] = []
        /// Counts versions of objects.
        var clock = 0
        /// Counts records of streams.
        var position: Int64 = 0
        /// Counts invocations and events.
        var serial: UInt64 = 0
    }

    public let settings: Settings
    let state = Mutex(State())

    public init(settings: Settings = Settings()) { self.settings = settings }

    /// Puts an object, as if it had been dropped into the bucket.
    public func put(_ bucket: String, _ key: String, _ bytes: [UInt8]) {
        state.withLock { $0.put(bucket, key, bytes) }
    }

    /// Puts a text as UTF-8.
    public func put(_ bucket: String, _ key: String, _ text: String) { put(bucket, key, Array(text.utf8)) }

    /// Removes an object.
    public func remove(_ bucket: String, _ key: String) {
        state.withLock { _ = $0.buckets[bucket]?.removeValue(forKey: key) }
    }

    /// The bytes of an object; nil if there is none.
    public func object(_ bucket: String, _ key: String) -> [UInt8]? {
        state.withLock { $0.buckets[bucket]?[key]?.bytes }
    }

    /// An object as text; nil if there is none, or it is not UTF-8.
    public func text(_ bucket: String, _ key: String) -> String? {
        object(bucket, key).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// The keys of a bucket, in order.
    public func keys(_ bucket: String, prefix: String = "") -> [String] {
        state.withLock { ($0.buckets[bucket] ?? [:]).keys.filter { $0.hasPrefix(prefix) }.sorted() }
    }

    /// The events that committed invocations have sent, in order.
    public var sentEvents: [SentEvent] { state.withLock { $0.events } }

    /// A table of the catalog; nil if there is none.
    public func table(_ database: String, _ name: String) -> Table? {
        state.withLock { $0.tables["\(database).\(name)"]?.table }
    }

    /// The `Object Created` event of an object that is there; of an empty one where it is not.
    public func objectCreatedEvent(_ bucket: String, _ key: String) -> Event<ObjectCreated> {
        state.withLock { state in
            state.serial += 1
            let stored = state.buckets[bucket]?[key]
            let info = stored?.info(bucket, key)
            return Event(
                id: EventID.random(0, state.serial), time: (info?.lastModified ?? .now).wholeSeconds,
                created: ObjectCreated(
                    bucket: bucket,
                    object: .init(
                        key: key, size: info?.size ?? 0, etag: info?.etag ?? "", sequencer: info?.sequencer ?? "0")))
        }
    }
}

extension TestHost.State {
    mutating func put(_ bucket: String, _ key: String, _ bytes: [UInt8]) {
        clock += 1
        buckets[bucket, default: [:]][key] = TestHost.Stored(bytes: bytes, version: clock, lastModified: .now)
    }
}

extension TestHost.Stored {
    func info(_ bucket: String, _ key: String) -> ObjectInfo {
        let number = String(version, radix: 16)
        return ObjectInfo(
            bucket: bucket, key: key, size: Int64(bytes.count), etag: fingerprint(bytes),
            sequencer: String(repeating: "0", count: 16 - number.count) + number, lastModified: lastModified)
    }
}

/// 32 hex digits that differ for different bytes (FNV-1a, twice); no protection against anybody.
func fingerprint(_ bytes: some Sequence<UInt8>) -> String {
    var first: UInt64 = 0xcbf2_9ce4_8422_2325
    var second: UInt64 = 0x6c62_272e_07bb_0142
    for byte in bytes {
        first = (first ^ UInt64(byte)) &* 0x100_0000_01b3
        second = (second &* 0x100_0000_01b3) ^ UInt64(byte)
    }
    func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
    return hex(first) + hex(second)
}
