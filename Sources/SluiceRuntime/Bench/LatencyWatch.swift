import Glibc
package import Journal
import UVLoop

/// Where the time of a benchmark's events goes: when each of them took which step, in nanoseconds of CLOCK_MONOTONIC,
/// one clock for all processes.
///
/// Unchecked: each step of an event is written by one thread, and nothing is read before the loop has heard
/// that the outcomes of all are durable (`finishOutcomes`).
package final class LatencyWatch: @unchecked Sendable {
    package enum Step: Int, CaseIterable, Sendable {
        /// The producer should have sent it, and did: until then its connections waited for answers, or it for a core.
        case due, sent
        /// It has been read, checked and matched, and waits for the journal.
        case submitted
        /// Its transaction begins, and is durable.
        case begun, durable
        /// The loop has it.
        case taken
        /// It is on its way to a worker.
        case handedOut
        /// The handler has it.
        case started
        /// The worker's answer is there.
        case answered
        /// What came of it is durable.
        case settled
    }

    /// Events that are watched; what comes behind them is not.
    package static let capacity = 4 << 20
    private static let steps = Step.allCases.count

    /// Of events by their position, and then by step; 0: not taken. Untouched pages take no memory.
    private let times: UnsafeMutablePointer<Int64>
    /// The producer's own numbers of them.
    private let numbers: UnsafeMutablePointer<Int64>
    /// The position of the first one: written by the journal's thread before anybody else hears of it.
    private var first: Position = 0
    private var count = 0

    package init() {
        guard let times = calloc(Self.capacity * Self.steps, 8), let numbers = calloc(Self.capacity, 8) else {
            preconditionFailure("no memory for a benchmark")
        }
        self.times = times.assumingMemoryBound(to: Int64.self)
        self.numbers = numbers.assumingMemoryBound(to: Int64.self)
    }

    deinit {
        free(times)
        free(numbers)
    }

    private func set(_ step: Step, of position: Position, to time: Int64) {
        let index = Int(position - first)
        if (0..<Self.capacity).contains(index) { times[index * Self.steps + step.rawValue] = time }
    }

    /// On the journal's thread.
    package func committed(_ commit: WatchedCommit) {
        if first == 0 { first = commit.records.first?.position ?? 0 }
        for (record, submitted) in zip(commit.records, commit.submitted) {
            let index = Int(record.position - first)
            guard (0..<Self.capacity).contains(index), let sample = BenchSample(of: record.payload) else { continue }
            numbers[index] = sample.number
            set(.due, of: record.position, to: sample.sent)
            set(.sent, of: record.position, to: sample.sent + sample.late)
            set(.submitted, of: record.position, to: submitted)
            set(.begun, of: record.position, to: commit.begun)
            set(.durable, of: record.position, to: commit.durable)
            count = index + 1
        }
    }

    /// On the loop.
    package func note(_ step: Step, _ positions: some Sequence<Position>) {
        let now = HostClock().nanoseconds
        for position in positions { set(step, of: position, to: now) }
    }

    /// What each event's steps took, one after the other, in nanoseconds; events of which one is missing are left out.
    /// - Parameter started: when the handler had the event of a number.
    package func intervals(started: (_ number: Int64) -> Int64) -> [[Int64]] {
        var result: [[Int64]] = []
        for index in 0..<count {
            let own = times + index * Self.steps
            own[Step.started.rawValue] = started(numbers[index])
            let whole = UnsafeBufferPointer(start: own, count: Self.steps)
            if whole.contains(0) { continue }
            result.append(zip(whole, whole.dropFirst()).map { max(0, $1 - $0) })
        }
        return result
    }
}

/// What the pipeline's producer writes into an event.
struct BenchSample {
    var number: Int64
    /// Monotonic nanoseconds: when it was sent, or should have been.
    var sent: Int64
    /// By how much later it was sent.
    var late: Int64

    /// Nil for what is no event of that producer: `"detail":{"id":NUMBER,"sent":TIME,"late":TIME,`.
    init?(of payload: [UInt8]) {
        let found = payload.withUnsafeBytes { text -> (Int64, Int64, Int64)? in
            guard let id = Self.find(#""detail":{"id":"#, by: UInt8(ascii: "{"), at: 9, in: text, from: 0) else {
                return nil
            }
            let (number, end) = Self.number(text, at: id)
            guard let sent = Self.find(#","sent":"#, by: UInt8(ascii: ","), at: 0, in: text, from: end) else {
                return nil
            }
            let (time, timeEnd) = Self.number(text, at: sent)
            guard let late = Self.find(#","late":"#, by: UInt8(ascii: ","), at: 0, in: text, from: timeEnd) else {
                return nil
            }
            return (number, time, Self.number(text, at: late).0)
        }
        guard let found else { return nil }
        (number, sent, late) = found
    }

    /// The offset behind the word, which has a `mark` at `place`, by which it is looked for.
    private static func find(
        _ word: StaticString, by mark: UInt8, at place: Int, in text: UnsafeRawBufferPointer, from start: Int
    ) -> Int? {
        guard let base = text.baseAddress else { return nil }
        let length = word.utf8CodeUnitCount
        var from = start + place
        while from < text.count, let found = memchr(base + from, Int32(mark), text.count - from) {
            let at = UnsafeRawPointer(found) - base
            if at - place + length <= text.count, memcmp(base + at - place, word.utf8Start, length) == 0 {
                return at - place + length
            }
            from = at + 1
        }
        return nil
    }

    private static func number(_ text: UnsafeRawBufferPointer, at start: Int) -> (Int64, end: Int) {
        var (value, place): (Int64, Int) = (0, start)
        while place < text.count, text[place] &- UInt8(ascii: "0") < 10 {
            value = value &* 10 &+ Int64(text[place] &- UInt8(ascii: "0"))
            place += 1
        }
        return (value, place)
    }
}

extension HostRuntime {
    /// Watches the events that come from now on. Of a host whose journal is on disk.
    package func watchLatency() -> LatencyWatch {
        let watch = LatencyWatch()
        (journal as? SQLiteJournal)?.watchCommits { watch.committed($0) }
        dispatcher.watch = watch
        return watch
    }

    /// Returns when the loop has heard of every outcome that is to be committed.
    package func finishOutcomes() async { await committer.drain() }
}
