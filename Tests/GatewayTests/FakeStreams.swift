import EventModel
import HostAPI
import Synchronization

/// Streams in memory: records of all of them have positions in one row, as in a journal.
final class FakeStreams: Sendable {
    private struct Stream {
        var shards: [StreamInfo.Shard] = []
        var retained: Int64 = 0
        var records: [(position: Int64, record: StreamPage.Record)] = []
    }

    private struct State {
        var streams: [String: Stream] = [:]
        var position: Int64 = 0
        var refusal: APIError?
    }

    /// Long ago by every clock.
    private static let firstArrival: Int64 = 1_700_000_000_789

    private let state = Mutex(State())

    /// Makes a stream, or gives one other shards: the old ones are closed and parents of all new ones.
    func declare(_ name: String, shards count: Int) {
        state.withLock { state in
            var stream = state.streams[name] ?? Stream()
            let end = StreamSequence.text(of: state.position)
            var parents: [String] = []
            for index in stream.shards.indices where stream.shards[index].isOpen {
                stream.shards[index].endingSequenceNumber = end
                parents.append(stream.shards[index].id)
            }
            let first = stream.shards.count
            let part = UInt128.max / UInt128(count)
            for number in 0..<count {
                let start = part * UInt128(number)
                stream.shards.append(
                    .init(
                        id: StreamSequence.shardID(first + number), parents: parents, startingHashKey: "\(start)",
                        endingHashKey: "\(number == count - 1 ? UInt128.max : start + part - 1)",
                        startingSequenceNumber: StreamSequence.text(of: state.position + 1), endingSequenceNumber: nil))
            }
            state.streams[name] = stream
        }
    }

    /// What every put answers from now on; nil: nothing special.
    func refuse(with error: APIError?) { state.withLock { $0.refusal = error } }

    /// Nothing up to the position can be read any more.
    func expire(_ name: String, through position: Int64) { state.withLock { $0.streams[name]?.retained = position } }

    /// All records that were put, in their order.
    func records(of name: String) -> [StreamPage.Record] {
        state.withLock { $0.streams[name]?.records.map(\.record) ?? [] }
    }

    var names: [String] { state.withLock { $0.streams.keys.sorted() } }

    func info(_ name: String) throws(APIError) -> StreamInfo {
        let stream = state.withLock { $0.streams[name] }
        guard let stream else { throw .notFound("stream", name, hint: "did you mean `clicks`?") }
        return StreamInfo(
            name: name, arn: "arn:aws:kinesis:local:000000000000:stream/\(name)", created: FakeHost.time,
            retentionHours: 24, shards: stream.shards,
            consumers: [.init(rule: "r", target: "t", function: "F", waiting: 2, dead: 1, iteratorAgeMilliseconds: 5)],
            newestSequenceNumber: stream.records.last?.record.sequenceNumber)
    }

    func put(_ name: String, _ submission: RecordSubmission) throws(APIError) -> RecordReceipt {
        _ = try info(name)
        let result = state.withLock { state -> Result<RecordReceipt, APIError> in
            if let refusal = state.refusal { return .failure(refusal) }
            var stream = state.streams[name] ?? Stream()
            var receipt = RecordReceipt(results: [])
            for entry in submission.records {
                state.position += 1
                // No MD5: of a key only its first byte counts.
                let first = UInt128(entry.partitionKey.utf8.first ?? 0) << 120
                let hash = entry.explicitHashKey.flatMap { UInt128($0) } ?? first
                let shard = stream.shards.last { $0.isOpen && UInt128($0.startingHashKey).map { $0 <= hash } ?? false }
                let record = StreamPage.Record(
                    shardID: shard?.id ?? "", sequenceNumber: StreamSequence.text(of: state.position),
                    partitionKey: entry.partitionKey,
                    arrived: APITime(milliseconds: Self.firstArrival + state.position * 1000),
                    data: entry.data)
                stream.records.append((state.position, record))
                receipt.results.append(.init(shardID: record.shardID, sequenceNumber: record.sequenceNumber))
            }
            state.streams[name] = stream
            return .success(receipt)
        }
        return try result.get()
    }

    func position(_ name: String, _ start: StreamStart) throws(APIError) -> StreamPosition {
        _ = try info(name)
        return state.withLock { state in
            let stream = state.streams[name] ?? Stream()
            let after: Int64 =
                switch start {
                case .trimHorizon: stream.retained
                case .latest: state.position
                case .atSequenceNumber(let number): max(0, (StreamSequence.position(of: number) ?? 0) - 1)
                case .afterSequenceNumber(let number): StreamSequence.position(of: number) ?? 0
                case .atTimestamp(let time):
                    (stream.records.first { $0.record.arrived >= time }?.position ?? state.position + 1) - 1
                }
            return StreamPosition(after: max(after, stream.retained))
        }
    }

    func page(_ query: StreamQuery) throws(APIError) -> StreamPage {
        let info = try info(query.stream)
        let shard = info.shards.first { $0.id == query.shard }
        if let name = query.shard, shard == nil { throw .notFound("shard", name) }
        return state.withLock { state in
            let all = state.streams[query.stream]?.records ?? []
            let later = all.filter {
                $0.position > query.after && (query.shard == nil || $0.record.shardID == query.shard)
            }
            let page = later.prefix(query.limit)
            let isWhole = page.count == later.count
            let next = isWhole ? state.position : page.last?.position ?? query.after
            let behind = isWhole ? 0 : (later.last?.position ?? 0) - next
            return StreamPage(
                records: page.map(\.record), next: StreamPosition(after: next), behindMilliseconds: behind * 1000,
                isEnd: isWhole && shard?.isOpen == false)
        }
    }
}

extension FakeHost {
    func listStreams() async throws -> [StreamInfo] { try streams.names.map { name in try streams.info(name) } }
    func stream(name: String) async throws -> StreamInfo { try streams.info(name) }
    func putRecords(stream: String, submission: RecordSubmission) async throws -> RecordReceipt {
        try streams.put(stream, submission)
    }
    func streamPosition(stream: String, start: StreamStart) async throws -> StreamPosition {
        try streams.position(stream, start)
    }
    func streamRecords(_ query: StreamQuery) async throws -> StreamPage { try streams.page(query) }
}
