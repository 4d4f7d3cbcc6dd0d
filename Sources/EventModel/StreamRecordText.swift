import FunctionJSON

/// A stream's record as it lies in the log and as functions get it: in the form in which Lambda hands over records of
/// Kinesis (https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html).
///
/// Shard and sequence number stand at fixed places, so that they can be put in when they are known: the first when the
/// record is made, the second by the journal.
package enum StreamRecordText {
    private static let head = Array(#"{"eventID":"shardId-"#.utf8)
    private static let shardDigits = 12
    private static let toSequence = Array(#"","kinesis":{"kinesisSchemaVersion":"1.0","sequenceNumber":""#.utf8)
    private static let toTime = Array(#"","approximateArrivalTimestamp":"#.utf8)
    private static let toKey = Array(#","partitionKey":"#.utf8)
    private static let toData = Array(#","data":""#.utf8)
    private static let toARN = Array(
        (#""},"eventSource":"aws:kinesis","eventVersion":"1.0","eventName":"aws:kinesis:record","#
            + #""invokeIdentityArn":"arn:aws:iam::000000000000:role/sluice","awsRegion":"local","eventSourceARN":"#)
            .utf8)

    /// Behind the sequence number of `eventID`.
    private static let firstEnd = head.count + shardDigits + 1 + StreamSequence.digits
    /// Behind the sequence number of `kinesis`.
    private static let secondEnd = firstEnd + toSequence.count + StreamSequence.digits

    /// Where the digits of the sequence number end.
    package static let sequenceEnds = [firstEnd, secondEnd]

    /// A stream's name in AWS's form.
    package static func arn(of stream: String) -> String { "arn:aws:kinesis:local:000000000000:stream/\(stream)" }

    /// The record, with the sequence number of position 0.
    /// - Parameters:
    ///   - data: base64.
    ///   - arrived: milliseconds since 1970.
    ///   - sequenceNumber: of a record that has been in the log.
    package static func bytes(
        stream: String, shard: Int, partitionKey: String, data: some Collection<UInt8>, arrived: Int64,
        sequenceNumber: String? = nil
    ) -> [UInt8] {
        let origin = sequenceNumber.map { Array($0.utf8) } ?? Self.origin
        var text: [UInt8] = []
        text.reserveCapacity(500 + data.count + partitionKey.utf8.count + stream.utf8.count)
        text += head
        append(shard, digits: shardDigits, to: &text)
        text.append(UInt8(ascii: ":"))
        text += origin
        text += toSequence
        text += origin
        text += toTime
        let time = max(0, arrived)
        text += String(time / 1000).utf8
        text.append(UInt8(ascii: "."))
        append(Int(time % 1000), digits: 3, to: &text)
        text += toKey
        JSONWriter.append(string: partitionKey, to: &text)
        text += toData
        text.append(contentsOf: data)
        text += toARN
        JSONWriter.append(string: arn(of: stream), to: &text)
        text.append(UInt8(ascii: "}"))
        return text
    }

    /// The same record in another shard.
    package static func moved(_ payload: [UInt8], to shard: Int) -> [UInt8] {
        guard isRecord(payload) else { return payload }
        var digits: [UInt8] = []
        append(shard, digits: shardDigits, to: &digits)
        var moved = payload
        moved.replaceSubrange(head.count..<head.count + shardDigits, with: digits)
        return moved
    }

    /// False for an event of a bus.
    package static func isRecord(_ payload: [UInt8]) -> Bool {
        payload.count > secondEnd && payload.starts(with: head)
    }

    /// The number of a record's shard; nil for an event of a bus.
    package static func shard(of payload: [UInt8]) -> Int? {
        guard isRecord(payload) else { return nil }
        var number = 0
        for byte in payload[head.count..<head.count + shardDigits] {
            guard (0x30...0x39).contains(byte) else { return nil }
            number = number * 10 + Int(byte - 0x30)
        }
        return number
    }

    /// The sequence number of a record; nil for an event of a bus.
    package static func sequenceNumber(of payload: [UInt8]) -> String? {
        guard isRecord(payload) else { return nil }
        return String(decoding: payload[secondEnd - StreamSequence.digits..<secondEnd], as: UTF8.self)
    }

    /// A record's partition key without reading all of it; nil for an event of a bus.
    package static func partitionKey(of payload: [UInt8]) -> String? {
        guard isRecord(payload) else { return nil }
        // The names of the time and of the key have two each: the fifth is the first one of the key itself.
        var quotes = 0
        var start = secondEnd + 1
        while start < payload.count {
            if payload[start] == UInt8(ascii: "\"") {
                quotes += 1
                if quotes == 5 { break }
            }
            start += 1
        }
        guard start < payload.count, let end = payload[(start + 1)...].firstIndex(of: UInt8(ascii: "\"")) else {
            return Parts(payload)?.partitionKey
        }
        let key = payload[(start + 1)..<end]
        // Escapes are for the parser.
        guard !key.contains(UInt8(ascii: "\\")) else { return Parts(payload)?.partitionKey }
        return String(decoding: key, as: UTF8.self)
    }

    /// What a record consists of.
    package struct Parts: Sendable {
        package var stream: String
        package var shard: Int
        package var sequenceNumber: String
        package var partitionKey: String
        /// Milliseconds since 1970.
        package var arrived: Int64
        /// Base64.
        package var data: [UInt8]

        /// Nil for an event of a bus.
        package init?(_ payload: [UInt8]) {
            guard StreamRecordText.isRecord(payload) else { return nil }
            self.init(parsing: payload)
        }

        /// Of a record that may have been written anew, by an editor say. Nil for anything else.
        package init?(parsing text: [UInt8]) {
            guard let root = try? JSONDocument(parsing: text).root, let kinesis = root["kinesis"],
                let eventID = root["eventID"]?.string,
                let shard = StreamSequence.shardNumber(String(eventID.prefix { $0 != ":" })),
                let sequence = kinesis["sequenceNumber"]?.string, let key = kinesis["partitionKey"]?.string,
                let data = kinesis["data"]?.string, let time = kinesis["approximateArrivalTimestamp"]?.double,
                let arrived = Int64(exactly: (time * 1000).rounded()),
                let arn = root["eventSourceARN"]?.string, let slash = arn.firstIndex(of: "/")
            else { return nil }
            stream = String(arn[arn.index(after: slash)...])
            self.shard = shard
            sequenceNumber = sequence
            partitionKey = key
            self.arrived = arrived
            self.data = Array(data.utf8)
        }
    }

    private static let origin = Array(StreamSequence.text(of: 0).utf8)

    private static func append(_ number: Int, digits: Int, to text: inout [UInt8]) {
        let written = String(number).utf8
        for _ in 0..<max(0, digits - written.count) { text.append(UInt8(ascii: "0")) }
        text += written
    }
}
