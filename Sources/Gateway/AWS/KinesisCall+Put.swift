import EventModel
import FunctionJSON
import HostAPI

extension KinesisCall {
    func putRecord() async throws -> [UInt8] {
        let stream = try streamName()
        let entry = try Self.entry(input).entry
        if let number = try input.text("SequenceNumberForOrdering"), StreamSequence.position(of: number) == nil {
            // Order is that of arrival in any case: a later record has a higher number.
            throw AWSError.invalidArgument(
                "ExclusiveMinimumSequenceNumber \(AWSError.shown(number)) used in PutRecord on stream \(stream) under "
                    + "account \(Self.account) is invalid because it did not come from this stream.")
        }
        try await checkDryRun(stream)
        let receipt = try await control.putRecords(stream: stream, submission: RecordSubmission(records: [entry]))
        guard let result = receipt.results.first else { throw APIError.internalError("the record has no answer") }
        var writer = JSONWriter()
        writer.beginObject()
        Self.write(result, to: &writer)
        writer.member("EncryptionType", "NONE")
        writer.endObject()
        return writer.bytes
    }

    /// All records are stored or none: `FailedRecordCount` is always 0.
    func putRecords() async throws -> [UInt8] {
        let stream = try streamName()
        guard let records = try input.objects("Records") else { throw input.validation(nil, "Records", "not be null") }
        guard !records.isEmpty else {
            throw input.validation("[]", "Records", "have length greater than or equal to 1")
        }
        guard records.count <= RecordSubmission.maximumRecords else {
            throw input.validation(
                "[\(records.count) records]", "Records",
                "have length less than or equal to \(RecordSubmission.maximumRecords)")
        }
        var submission = RecordSubmission(records: [])
        submission.records.reserveCapacity(records.count)
        var bytes = 0
        for record in records {
            let (entry, count) = try Self.entry(record)
            bytes += count
            submission.records.append(entry)
        }
        guard bytes <= RecordSubmission.maximumBytes else {
            throw AWSError.invalidArgument(
                "Records size exceeds \(RecordSubmission.maximumBytes >> 20) MB limit: data and partition keys have "
                    + "\(bytes) bytes.")
        }
        try await checkDryRun(stream)
        let receipt = try await control.putRecords(stream: stream, submission: submission)
        guard receipt.results.count == records.count else {
            throw APIError.internalError("\(records.count) records have \(receipt.results.count) answers")
        }
        var writer = JSONWriter(capacity: 80 + receipt.results.count * 140)
        writer.beginObject()
        writer.member("FailedRecordCount", 0)
        writer.name("Records")
        writer.beginArray()
        for result in receipt.results {
            writer.beginObject()
            Self.write(result, to: &writer)
            writer.endObject()
        }
        writer.endArray()
        writer.member("EncryptionType", "NONE")
        writer.endObject()
        return writer.bytes
    }

    private static func write(_ result: RecordReceipt.Result, to writer: inout JSONWriter) {
        writer.member("ShardId", result.shardID)
        writer.member("SequenceNumber", result.sequenceNumber)
    }

    /// A record and its bytes of data and key. The data stays base64.
    private static func entry(_ input: AWSInput) throws(AWSError) -> (entry: RecordSubmission.Entry, bytes: Int) {
        let data = try input.needed("Data")
        guard let count = Base64.decodedCount(of: data.utf8) else {
            throw .serialization("`Data` must be base64 of RFC 4648, section 4, with padding")
        }
        guard count <= RecordSubmission.Entry.maximumDataBytes else {
            throw input.validation(
                "[\(count) bytes]", "Data",
                "have length less than or equal to \(RecordSubmission.Entry.maximumDataBytes)")
        }
        let key = try input.needed("PartitionKey")
        guard !key.isEmpty else {
            throw input.validation(key, "PartitionKey", "have length greater than or equal to 1")
        }
        guard key.unicodeScalars.count <= RecordSubmission.Entry.maximumKeyCharacters else {
            throw input.validation(
                key, "PartitionKey", "have length less than or equal to \(RecordSubmission.Entry.maximumKeyCharacters)")
        }
        let hash = try input.text("ExplicitHashKey")
        if let hash { try check(explicitHashKey: hash, input) }
        let entry = RecordSubmission.Entry(partitionKey: key, explicitHashKey: hash, data: data)
        return (entry, count + key.utf8.count)
    }

    private static func check(explicitHashKey key: String, _ input: AWSInput) throws(AWSError) {
        let isNumber = key.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isNumber, (1...39).contains(key.utf8.count), key == "0" || !key.hasPrefix("0") else {
            throw input.validation(key, "ExplicitHashKey", "satisfy regular expression pattern: 0|([1-9]\\d{0,38})")
        }
        guard UInt128(key) != nil else {
            throw .invalidArgument(
                "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was \(key)"
            )
        }
    }
}
