/// What a target may say of how it is delivered beside batch size and retries. Every field is optional, so that a
/// deployment that was stored before a field existed can be read.
package struct DeliveryOptions: Codable, Sendable, Hashable {
    /// `ordering:` or `keyConcurrency:`.
    package struct Keys: Codable, Sendable, Hashable {
        /// Names joined by dots, from the root of the event: `detail.object.key`.
        package var path: String
        /// Invocations at once for one key; 1 with `isOrdered`.
        package var concurrency: Int
        package var isOrdered: Bool
        /// `onExhausted: park`: a dead letter holds its key back.
        package var parks: Bool

        package init(path: String, concurrency: Int = 1, isOrdered: Bool = true, parks: Bool = false) {
            self.path = path
            self.concurrency = concurrency
            self.isOrdered = isOrdered
            self.parks = parks
        }
    }

    /// What counts against `maximumBatchBytes`.
    package enum BytesOf: String, Codable, Sendable, CaseIterable {
        /// The event's JSON.
        case event
        /// The object that an object event names, by its `detail.object.size`.
        case object
    }

    /// `circuitBreaker:`
    package struct Breaker: Codable, Sendable, Hashable {
        package var failures: Int
        package var windowSeconds: Double
        package var retryAfterSeconds: Double

        package init(failures: Int, windowSeconds: Double = 60, retryAfterSeconds: Double = 60) {
            self.failures = failures
            self.windowSeconds = windowSeconds
            self.retryAfterSeconds = retryAfterSeconds
        }
    }

    package var keys: Keys?
    package var batchWindowSeconds: Double?
    package var batchBytes: Int64?
    package var batchBytesOf: BytesOf?
    package var rateLimit: RateLimit?
    package var downstream: String?
    package var breaker: Breaker?

    package init() {}

    package var isEmpty: Bool { self == DeliveryOptions() }
}

/// `10/s`, `600/m` or `5/h`: invocations that may start in a span of time.
package struct RateLimit: Codable, Sendable, Hashable, CustomStringConvertible {
    package var count: Int
    /// Milliseconds.
    package var per: Int64

    package init(count: Int, per: Int64) {
        self.count = count
        self.per = per
    }

    private static let units: [(name: String, per: Int64)] = [("s", 1000), ("m", 60_000), ("h", 3_600_000)]

    /// Nil for anything else than a number from 1 to 1,000,000, a slash and `s`, `m` or `h`.
    package init?(parsing text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { $0.trimmingSpaces }
        guard parts.count == 2, let count = Int(parts[0]), (1...1_000_000).contains(count),
            let unit = Self.units.first(where: { $0.name == parts[1] })
        else { return nil }
        self.init(count: count, per: unit.per)
    }

    package var description: String {
        "\(count)/\(Self.units.first { $0.per == per }?.name ?? "\(per) ms")"
    }
}

/// `downstreams:` of sluice.yaml: a place that functions write to, with limits that all targets naming it share.
package struct DownstreamDefinition: Codable, Sendable, Hashable {
    package var name: String
    package var rateLimit: RateLimit?
    /// Invocations at once.
    package var concurrency: Int?

    package init(name: String, rateLimit: RateLimit? = nil, concurrency: Int? = nil) {
        self.name = name
        self.rateLimit = rateLimit
        self.concurrency = concurrency
    }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        var rest = self
        while rest.first == " " { rest.removeFirst() }
        while rest.last == " " { rest.removeLast() }
        return rest
    }
}
