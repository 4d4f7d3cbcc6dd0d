import CFunctionABI
import FunctionKit
import FunctionProtocol
import Glibc
import Synchronization

/// The C table of services of a test worker, answered by a `TestHost`.
///
/// Unchecked: the table is written once, before anybody has it; the attempt is behind a lock.
final class ServiceTable: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<sluice_worker_services>
    private let host: TestHost
    private let attempt = Mutex(TestAttempt(payload: []))

    init(host: TestHost) {
        self.host = host
        pointer = .allocate(capacity: 1)
        pointer.initialize(
            to: sluice_worker_services(
                abi_version: SLUICE_ABI_VERSION, reserved: 0, context: nil,
                call: { context, operation, request, count, _, reply, replyCount, descriptor in
                    guard let table = ServiceTable.of(context) else { return -1 }
                    let bytes = Array(UnsafeBufferPointer(start: request, count: request == nil ? 0 : count))
                    let answer = table.answer(operation, bytes)
                    let memory = malloc(max(1, answer.body.count))?.assumingMemoryBound(to: UInt8.self)
                    guard let memory else { return -1 }
                    for (index, byte) in answer.body.enumerated() { memory[index] = byte }
                    reply.pointee = memory
                    replyCount.pointee = answer.body.count
                    descriptor.pointee = answer.descriptor
                    return answer.status
                },
                release: { _, reply in free(reply) },
                log: { context, level, line, count in
                    guard let table = ServiceTable.of(context) else { return }
                    let text = String(decoding: UnsafeBufferPointer(start: line, count: count), as: UTF8.self)
                    let named = Logger.Level.allCases.first { $0.severity == level } ?? .critical
                    table.attempt.withLock { $0.logs.append(LogLine(level: named, text: text)) }
                }))
        // The table outlives the pointer's every use: the worker holds both.
        pointer.pointee.context = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit {
        pointer.deinitialize(count: 1)
        pointer.deallocate()
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> ServiceTable? {
        context.map { Unmanaged<ServiceTable>.fromOpaque($0).takeUnretainedValue() }
    }

    func begin(payload: [UInt8], records: [[UInt8]]) {
        attempt.withLock { attempt in
            // Lines of `start` stay with the first invocation.
            let logs = attempt.isFresh ? attempt.logs : []
            attempt = TestAttempt(payload: payload, records: records)
            attempt.logs = logs
            attempt.isFresh = false
        }
    }

    /// Commits what the outcome allows, or turns the outcome into the failure that the commit met.
    func end(_ outcome: TestInvocation.Outcome) -> TestInvocation {
        attempt.withLock { attempt in
            attempt.discardStages()
            var outcome = outcome
            do {
                try host.state.withLock { state in
                    var next = state
                    for effect in attempt.effects where outcome.commits(effect.record) {
                        try next.apply(effect.action)
                    }
                    state = next
                }
            } catch {
                let failure = Failure(reporting: error)
                outcome = .failure(
                    TestInvocation.Failure(code: failure.code, message: failure.message, retry: failure.retry))
            }
            return TestInvocation(outcome: outcome, effects: attempt.effects, logs: attempt.logs)
        }
    }

    private func answer(
        _ operation: UInt32, _ request: [UInt8]
    ) -> (status: Int32, body: [UInt8], descriptor: Int32) {
        do {
            let (reply, descriptor) = try attempt.withLock { attempt in
                try attempt.answer(operation, request, host: host)
            }
            return (0, reply, descriptor)
        } catch {
            return (1, (try? TapeEncoder().encode(Failure(reporting: error))) ?? [], -1)
        }
    }
}

extension TestInvocation.Failure {
    init(body: [UInt8]) {
        let failure = try? TapeDecoder().decode(Failure.self, from: body)
        self.init(
            code: failure?.code ?? "MalformedAnswer", message: failure?.message ?? "the outcome has no error",
            retry: failure?.retry)
    }
}

extension TestInvocation.Outcome {
    init(status: UInt32, body: [UInt8]) {
        switch status {
        case SLUICE_OUTCOME_SUCCESS: self = .success(output: body)
        case SLUICE_OUTCOME_BATCH:
            guard let answer = try? TapeDecoder().decode(BatchAnswer.self, from: body) else {
                self = .failure(.init(code: "MalformedAnswer", message: "the batch answer cannot be read", retry: nil))
                return
            }
            self = .batch(
                answer.results.map { result in
                    switch result.status {
                    case .ok: .ok
                    case .dropped: .dropped
                    case .failed:
                        .failed(
                            .init(
                                code: result.failure?.code ?? "Unknown", message: result.failure?.message ?? "",
                                retry: result.failure?.retry))
                    }
                })
        default: self = .failure(.init(body: body))
        }
    }

    /// Whether effects of a record (nil: of the invocation as a whole) are committed.
    func commits(_ record: Int?) -> Bool {
        switch self {
        case .success: return true
        case .failure: return false
        case .batch(let records):
            func failed(_ outcome: TestInvocation.RecordOutcome) -> Bool {
                if case .failed = outcome { true } else { false }
            }
            guard let record else { return !records.contains(where: failed) }
            return records.indices.contains(record) && !failed(records[record])
        }
    }
}
