import EventModel
import FunctionJSON
package import HostAPI
package import Journal

/// An event that was edited for a redrive: it must still be an event, and the same one.
package enum EditedEvent {
    /// The text as it is to be delivered. Throws `InvalidRequest` with what is wrong.
    package static func whole(_ bytes: [UInt8], of letter: DeadLetter) throws(APIError) -> [UInt8] {
        if let original = StreamRecordText.Parts(letter.payload) { return try record(bytes, of: original) }
        try check(bytes, of: letter.eventID)
        return bytes
    }

    /// A record is laid out as the log has records: an editor changes its members alone.
    private static func record(
        _ bytes: [UInt8], of original: StreamRecordText.Parts
    ) throws(APIError) -> [UInt8] {
        guard let edited = StreamRecordText.Parts(parsing: bytes) else {
            throw .invalidRequest(
                "the edited text is no record of a stream",
                hint:
                    "keep eventID, eventSourceARN and kinesis as `sluice dlq show` has them; in kinesis change partitionKey, "
                    + "and the data as dataJSON, dataText or data (base64)")
        }
        guard edited.sequenceNumber == original.sequenceNumber, edited.stream == original.stream else {
            throw .invalidRequest(
                "the edited record is number \(edited.sequenceNumber) of stream \(edited.stream), its dead letter's is "
                    + "\(original.sequenceNumber) of \(original.stream)",
                hint: "a redrive keeps the record's place; put a new record with `sluice streams put`")
        }
        let entry = PutRecordsEntry(
            partitionKey: edited.partitionKey, data: String(decoding: edited.data, as: UTF8.self))
        do throws(PutRecordsEntry.Refusal) {
            _ = try entry.validate()
        } catch {
            throw .invalidRequest("the edited record: \(error.message)")
        }
        return StreamRecordText.bytes(
            stream: original.stream, shard: original.shard, partitionKey: edited.partitionKey, data: edited.data,
            arrived: original.arrived, sequenceNumber: original.sequenceNumber)
    }

    private static func check(_ bytes: [UInt8], of id: String) throws(APIError) {
        let event: Event<JSONValue>
        do {
            event = try TapeDecoder().decode(Event<JSONValue>.self, from: bytes)
        } catch {
            throw .invalidRequest(
                "the edited text is no event: \((error as? DecodingError)?.readableMessage ?? "\(error)")",
                hint: "keep the envelope: id, detail-type, source, time and detail are needed")
        }
        guard event.id == id else {
            throw .invalidRequest(
                "the edited event has the id \(event.id), its dead letter's has \(id)",
                hint: "a redrive keeps the event's id; put a new event with `sluice events put`")
        }
        guard case .object = event.detail else {
            throw .invalidRequest("the edited event's detail is no JSON object")
        }
        guard !event.source.isEmpty, !event.detailType.isEmpty else {
            throw .invalidRequest("the edited event has an empty source or detail-type")
        }
    }
}
