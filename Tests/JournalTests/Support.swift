import Foundation
import GRDB
import Journal
import Synchronization
import Testing

/// The implementations that the conformance suite runs over.
enum Store: String, CaseIterable, CustomTestStringConvertible {
    case memory, sqlite

    var testDescription: String { rawValue }
}

/// A journal under test with its data folder, and its next lives.
final class Fixture {
    let store: Store
    let folder: String
    var options: JournalOptions
    private(set) var journal: any JournalStore
    /// Records as observed, in the order of the observer's calls.
    let observed = Observed()

    init(_ store: Store, options: JournalOptions = .small) throws {
        self.store = store
        self.options = options
        folder = try temporaryFolder()
        journal =
            switch store {
            case .memory: InMemoryJournal()
            case .sqlite: try SQLiteJournal(dataFolder: folder, options: options)
            }
        observe()
    }

    /// Closes it cleanly and opens it again.
    func reopen() throws {
        journal.close()
        if let memory = journal as? InMemoryJournal {
            journal = memory.restarted(clean: true)
        } else {
            journal = try SQLiteJournal(dataFolder: folder, options: options)
        }
        observe()
    }

    private func observe() {
        let observed = observed
        journal.observeAppends { records in observed.add(records) }
    }

    deinit {
        journal.close()
        try? FileManager.default.removeItem(atPath: folder)
    }
}

final class Observed: Sendable {
    private let records = Mutex<[CommittedRecord]>([])
    var all: [CommittedRecord] { records.withLock { $0 } }
    func add(_ more: [CommittedRecord]) { records.withLock { $0 += more } }
}

func temporaryFolder() throws -> String {
    let path = NSTemporaryDirectory() + "sluice-journal-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
}

extension JournalOptions {
    /// Small enough that a few hundred records roll segments and run checkpoints.
    static var small: JournalOptions {
        var options = JournalOptions()
        options.segmentBytes = 64 << 10
        options.segmentRecords = 500
        options.checkpointBytes = 64 << 10
        options.lastPassBytes = 256 << 10
        options.ballastBytes = 0
        options.minimumFreeBytes = 0
        return options
    }
}

extension JournalStore {
    /// Submits and waits for the result.
    @discardableResult
    func commit(_ batch: Batch) async throws -> Receipt {
        try await withCheckedThrowingContinuation { continuation in
            submit(batch) { continuation.resume(with: $0) }
        }
    }

    /// The error that a batch is refused with.
    func refusal(of batch: Batch) async -> JournalError.Code? {
        do {
            try await commit(batch)
            return nil
        } catch { return (error as? JournalError)?.code }
    }

    /// Makes subscriptions 1…n of log `default`.
    func subscribe(_ count: Int64, log: String = "default") async throws {
        var batch = Batch()
        for id in 1...count {
            batch.control.append(
                .putSubscription(
                    SubscriptionRecord(id: SubscriptionID(id), log: log, rule: "rule-\(id)", target: "target-\(id)")))
        }
        try await commit(batch)
    }

    func progress(of id: Int64) throws -> SubscriptionProgress {
        try #require(try progress().first { $0.subscription.id.value == id })
    }
}

extension Append {
    static func test(
        _ id: String, to subscriptions: [Int64] = [1], log: String = "default", ingested: Milliseconds = 1_000,
        bytes: Int = 20, ruleSet: Int64 = 0, deduplicationID: String? = nil
    ) -> Append {
        Append(
            log: log, eventID: id, ingested: ingested, payload: payload(id, bytes),
            subscriptions: subscriptions.map { SubscriptionID($0) }, ruleSet: ruleSet, deduplicationID: deduplicationID,
            lineage: Array("lineage of \(id)".utf8))
    }

    /// Differs by event, so that a swapped payload is seen.
    static func payload(_ id: String, _ bytes: Int) -> [UInt8] {
        var payload = Array("payload of \(id) ".utf8)
        while payload.count < bytes { payload.append(UInt8(truncatingIfNeeded: payload.count &* 31)) }
        return payload
    }
}

extension Batch {
    static func append(_ appends: [Append]) -> Batch {
        var batch = Batch()
        batch.appends = appends
        return batch
    }

    static func append(_ ids: [String], to subscriptions: [Int64] = [1]) -> Batch {
        append(ids.map { .test($0, to: subscriptions) })
    }

    static func settle(_ deliveries: [Delivery], _ outcome: Settlement.Outcome = .succeeded) -> Batch {
        var batch = Batch()
        batch.settlements = deliveries.map { Settlement($0, outcome) }
        return batch
    }

    static func control(_ changes: ControlChange...) -> Batch {
        var batch = Batch()
        batch.control = changes
        return batch
    }
}

extension Delivery {
    init(_ subscription: Int64, _ position: Position, _ ordinal: Int64) {
        self.init(subscription: SubscriptionID(subscription), position: position, ordinal: ordinal)
    }
}

extension PendingEntry {
    static func test(
        _ delivery: Delivery, _ state: State = .retrying, attempts: Int = 1, deadLetter: Int64? = nil
    ) -> PendingEntry {
        PendingEntry(
            delivery: delivery, state: state, eventID: "event-\(delivery.position)", ingested: 1_000,
            attempts: attempts,
            due: 5_000, history: Array("[]".utf8), payload: Array("{}".utf8), lineage: [], deadLetter: deadLetter)
    }
}

extension DeadLetter {
    static func test(
        _ delivery: Delivery, target: String = "target-1", code: String = "Boom", fingerprint: String = "f1",
        died: Milliseconds = 2_000
    ) -> DeadLetter {
        DeadLetter(
            delivery: delivery, target: target, rule: "rule", eventID: "event-\(delivery.position)", ingested: 1_000,
            died: died, code: code, message: "it broke at \(died)", condition: "MaximumRetryAttempts",
            fingerprint: fingerprint, attempts: 3, history: [1, 2], payload: [3, 4], lineage: [], input: [5])
    }
}

/// SplitMix64: the same numbers for the same seed, so that a failure can be had again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

/// Runs a program and waits; its exit code.
@discardableResult
func run(_ program: String, _ arguments: String...) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
}

/// Copies the database and its WAL as they are, into a data folder of their own: what a crash at this moment leaves.
/// Through another process: closing a descriptor of the database in this one would drop SQLite's locks.
func snapshot(_ folder: String) throws -> String {
    let copy = try temporaryFolder()
    try FileManager.default.createDirectory(atPath: copy + "/journal", withIntermediateDirectories: true)
    // The database first: what a checkpoint writes meanwhile is in the WAL as well, which the paused writer leaves.
    for name in ["journal.sqlite", "journal.sqlite-wal"] {
        try run("/bin/cp", "\(folder)/journal/\(name)", "\(copy)/journal/\(name)")
    }
    return copy
}

/// A look into the database beside the journal.
struct JournalReader {
    private let queue: DatabaseQueue

    init(_ folder: String) throws {
        var configuration = Configuration()
        configuration.readonly = true
        queue = try DatabaseQueue(path: folder + "/journal/journal.sqlite", configuration: configuration)
    }

    func count(_ table: String) throws -> Int {
        try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") ?? 0 }
    }
}
