public import FunctionKit
import FunctionProtocol
import Synchronization

extension TestHost {
    /// A record of a stream as a handler gets it, with bytes as they are. Each has a higher sequence number than the
    /// one before; all are of one shard.
    ///
    /// ```swift
    /// let records = [host.streamRecord("clicks", partitionKey: "ada", #"{"page":"/"}"#)]
    /// let run = try await host.invoke(Sessions(), batch: records)
    /// ```
    /// For a handler of AWS's form hand in `KinesisEvent(records: records)`.
    public func streamRecord(_ stream: String, partitionKey: String, _ data: [UInt8]) -> StreamRecord {
        let put = PutRecord(id: "", stream: stream, partitionKey: partitionKey, explicitHashKey: nil, data: data)
        return state.withLock { $0.streamRecord(put) }
    }

    /// The same with a text as UTF-8.
    public func streamRecord(_ stream: String, partitionKey: String, _ text: String) -> StreamRecord {
        streamRecord(stream, partitionKey: partitionKey, Array(text.utf8))
    }

    /// The same with a value of any encodable type as JSON.
    public func streamRecord(_ stream: String, partitionKey: String, json value: some Encodable) throws -> StreamRecord
    {
        streamRecord(stream, partitionKey: partitionKey, try TapeEncoder().encode(value))
    }

    /// The records that committed invocations have put into a stream, in order, as the next handler gets them.
    public func records(_ stream: String) -> [StreamRecord] {
        state.withLock { state in state.records.filter { $0.streamName == stream } }
    }

    /// What the real host would take; throws what it would refuse, and then nothing is put.
    func checked(_ request: PutRecordsRequest) throws -> [PutRecord] {
        guard request.entries.count <= PutRecordsEntry.maximumRecords else {
            throw HostRefusal(
                code: .invalidRecord,
                message: "\(request.entries.count) records in one call; put at most \(PutRecordsEntry.maximumRecords)",
                retry: false)
        }
        for stream in Set(request.entries.map(\.stream)).sorted() {
            guard settings.streams?.contains(stream) ?? true else {
                throw HostRefusal(
                    code: .noSuchStream, message: "there is no stream \(stream); declare it in sluice.yaml",
                    retry: false)
            }
            try demandStream(stream)
        }
        return try request.entries.enumerated().map { index, entry in
            let data = try PutRecordsEntry(entry).data(index: index, count: request.entries.count, stream: entry.stream)
            let serial = state.withLock { state in
                state.serial += 1
                return state.serial
            }
            return PutRecord(
                id: EventID.random(2, serial), stream: entry.stream, partitionKey: entry.partitionKey,
                explicitHashKey: entry.explicitHashKey, data: data)
        }
    }
}

extension PutRecordsEntry {
    fileprivate init(_ entry: PutRecordsRequest.Entry) {
        self.init(partitionKey: entry.partitionKey, explicitHashKey: entry.explicitHashKey, data: entry.data)
    }

    /// The bytes of a valid record.
    fileprivate func data(index: Int, count: Int, stream: String) throws -> [UInt8] {
        do throws(Refusal) {
            _ = try validate()
        } catch {
            throw HostRefusal(
                code: .invalidRecord,
                message: "record \(index + 1) of \(count) for stream \(stream): \(error.message)", retry: false)
        }
        return Base64.decode(data.utf8) ?? []
    }
}

extension TestHost.State {
    /// The record at the next position of the log.
    mutating func streamRecord(_ record: PutRecord) -> StreamRecord {
        position += 1
        // The real host tells milliseconds.
        let now = Timestamp.now.nanosecondsSinceEpoch
        return StreamRecord(
            partitionKey: record.partitionKey, sequenceNumber: StreamSequence.text(of: position), data: record.data,
            arrival: Timestamp(nanosecondsSinceEpoch: now - now % 1_000_000), shardID: StreamSequence.shardID(0),
            streamARN: StreamRecordText.arn(of: record.stream))
    }
}
