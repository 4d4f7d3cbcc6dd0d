/// `Functions/<Name>/function.yaml`.
package struct FunctionDefinition: Codable, Sendable, Hashable {
    /// The name of the folder.
    package var name: String
    package var description: String
    /// How long one attempt may take before its worker is killed.
    package var timeoutSeconds: Double
    /// How long loading and `prepare` may take.
    package var initTimeoutSeconds: Double
    /// What a worker may allocate.
    package var memoryMegabytes: Int
    /// What one attempt may stage for publication, over all buckets.
    package var stagingMegabytes: Int
    /// How many invocations may run at once; nil: as many as the host has cores.
    package var reservedConcurrency: Int?
    package var environment: [String: String]
    package var grants: Grants
    /// The `configuration` mapping as JSON text, `{}` when absent.
    package var configuration: String
    /// The lowest level that is kept.
    package var logLevel: LogLevel
    /// The shape of the events the handler gets, where the target of the rule does not say.
    package var inputFormat: InputFormat
    /// Who hears of outcomes, where the target of the rule does not say; nil: nobody.
    package var destinations: Destinations?
    /// The shared object, as an absolute path, when it is not where `swift build -c release` leaves it.
    package var module: String?

    package init(
        name: String, description: String = "", timeoutSeconds: Double = 60, initTimeoutSeconds: Double = 10,
        memoryMegabytes: Int = 512, stagingMegabytes: Int = 10240, reservedConcurrency: Int? = nil,
        environment: [String: String] = [:], grants: Grants = Grants(), configuration: String = "{}",
        logLevel: LogLevel = .info, inputFormat: InputFormat = .eventBridge, destinations: Destinations? = nil,
        module: String? = nil
    ) {
        self.name = name
        self.description = description
        self.timeoutSeconds = timeoutSeconds
        self.initTimeoutSeconds = initTimeoutSeconds
        self.memoryMegabytes = memoryMegabytes
        self.stagingMegabytes = stagingMegabytes
        self.reservedConcurrency = reservedConcurrency
        self.environment = environment
        self.grants = grants
        self.configuration = configuration
        self.logLevel = logLevel
        self.inputFormat = inputFormat
        self.destinations = destinations
        self.module = module
    }
}

/// `grants:` of function.yaml: what an invocation may do through its context. What is not granted is refused.
package struct Grants: Codable, Sendable, Hashable {
    /// Buckets whose objects it may get, head and list, sorted; `*` stands for all.
    package var read: [String]
    /// Buckets where it may put, copy, move and delete, sorted; `*` stands for all.
    package var write: [String]
    /// Buses on which it may put events, sorted; `*` stands for all.
    package var events: [String]
    /// Streams to which it may put records, sorted; `*` stands for all, nil for none.
    package var streams: [String]?

    package init(read: [String] = [], write: [String] = [], events: [String] = [], streams: [String]? = nil) {
        self.read = read
        self.write = write
        self.events = events
        self.streams = streams
    }

    package func mayRead(bucket: String) -> Bool { Self.grants(read, bucket) }
    package func mayWrite(bucket: String) -> Bool { Self.grants(write, bucket) }
    package func mayPutEvents(bus: String) -> Bool { Self.grants(events, bus) }
    package func mayPutRecords(stream: String) -> Bool { Self.grants(streams ?? [], stream) }

    /// How a function gets a grant that it lacks, in words: the list as it is to be, for another line of the same
    /// name would take the place of the one that is there.
    package func hint(_ kind: String, _ list: [String], adding name: String) -> String {
        "grant it in function.yaml, under grants: `\(kind): [\((list + [name]).joined(separator: ", "))]`"
    }

    private static func grants(_ list: [String], _ name: String) -> Bool {
        list.contains(name) || list.contains("*")
    }
}

/// The shape of the JSON that a handler gets. (Columnar's `InputFormat` is a kind of file.)
package enum InputFormat: String, Codable, Sendable, CaseIterable {
    /// The EventBridge envelope.
    case eventBridge = "eventbridge"
    /// `Records[].s3…` with a URL-encoded key, as S3's own triggers send it.
    case s3Notification = "s3-notification"
    /// `Records[].kinesis…` with all records of a batch, as Lambda gets them of a stream.
    case kinesis
}

/// swift-log's levels.
package enum LogLevel: String, Codable, Sendable, CaseIterable {
    case trace, debug, info, notice, warning, error, critical
}
