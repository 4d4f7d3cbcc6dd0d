package import FunctionJSON

/// A function's workers and work, for `status`.
package struct FunctionStatus: Codable, Sendable, Hashable {
    package var name: String
    package var version: Int
    /// `ready`, or why it cannot run.
    package var state: String
    package var concurrency: Int
    package var busyWorkers: Int
    package var idleWorkers: Int
    package var waiting: Int64
    package var inFlight: Int64
    /// Since the host started.
    package var succeeded: Int64
    package var failed: Int64
    /// Batches of which some records failed, and not all; nil from a host that does not tell.
    package var partial: Int64?
    /// Of recent invocations; nil before the first.
    package var medianMilliseconds: Double?
    package var p99Milliseconds: Double?

    package init(
        name: String, version: Int, state: String = "ready", concurrency: Int, busyWorkers: Int = 0,
        idleWorkers: Int = 0, waiting: Int64 = 0, inFlight: Int64 = 0, succeeded: Int64 = 0, failed: Int64 = 0,
        partial: Int64? = nil, medianMilliseconds: Double? = nil, p99Milliseconds: Double? = nil
    ) {
        self.name = name
        self.version = version
        self.state = state
        self.concurrency = concurrency
        self.busyWorkers = busyWorkers
        self.idleWorkers = idleWorkers
        self.waiting = waiting
        self.inFlight = inFlight
        self.succeeded = succeeded
        self.failed = failed
        self.partial = partial
        self.medianMilliseconds = medianMilliseconds
        self.p99Milliseconds = p99Milliseconds
    }
}

/// A function in force, with its configuration.
package struct FunctionInfo: Codable, Sendable {
    /// As in `status`, where other commands have them. Nil from a host that does not tell.
    package private(set) var name: String?
    package private(set) var version: Int?
    package var status: FunctionStatus
    package var description: String
    /// SHA-256 of module and configuration.
    package var digest: String
    package var deployed: APITime
    package var module: String
    package var timeoutSeconds: Double
    package var memoryMegabytes: Int
    package var stagingMegabytes: Int
    package var inputFormat: String
    package var logLevel: String
    /// Takes batches.
    package var batch: Bool
    package var readGrants: [String]
    package var writeGrants: [String]
    package var eventGrants: [String]
    /// Streams that it puts records on; nil from a host that does not tell.
    package var streamGrants: [String]?
    package var environment: [String: String]
    package var configuration: RawJSON
    /// `bus/rule` of each target that names it.
    package var rules: [String]
    /// Every version there was, the newest first; nil in lists.
    package var versions: [Version]?

    /// A version of a function, which a replay may name as FUNCTION@VERSION.
    package struct Version: Codable, Sendable, Hashable {
        package var version: Int
        package var deployed: APITime
        package var digest: String
        /// It is the one in force.
        package var inForce: Bool
        /// Its module is still there to be run.
        package var hasModule: Bool

        package init(version: Int, deployed: APITime, digest: String, inForce: Bool, hasModule: Bool) {
            self.version = version
            self.deployed = deployed
            self.digest = digest
            self.inForce = inForce
            self.hasModule = hasModule
        }
    }

    package init(
        status: FunctionStatus, description: String, digest: String, deployed: APITime, module: String,
        timeoutSeconds: Double, memoryMegabytes: Int, stagingMegabytes: Int, inputFormat: String, logLevel: String,
        batch: Bool, readGrants: [String], writeGrants: [String], eventGrants: [String], streamGrants: [String]? = nil,
        environment: [String: String],
        configuration: RawJSON, rules: [String]
    ) {
        (name, version) = (status.name, status.version)
        self.status = status
        self.description = description
        self.digest = digest
        self.deployed = deployed
        self.module = module
        self.timeoutSeconds = timeoutSeconds
        self.memoryMegabytes = memoryMegabytes
        self.stagingMegabytes = stagingMegabytes
        self.inputFormat = inputFormat
        self.logLevel = logLevel
        self.batch = batch
        self.readGrants = readGrants
        self.writeGrants = writeGrants
        self.eventGrants = eventGrants
        self.streamGrants = streamGrants
        self.environment = environment
        self.configuration = configuration
        self.rules = rules
    }
}

/// `invoke`: run a function once with this event, and wait for the outcome. Not retried, not dead-lettered.
package struct InvokeRequest: Codable, Sendable {
    package var payload: RawJSON
    /// In the shadow: what the function does is told and thrown away.
    package var dryRun: Bool?

    package init(payload: RawJSON, dryRun: Bool? = nil) {
        self.payload = payload
        self.dryRun = dryRun
    }
}
