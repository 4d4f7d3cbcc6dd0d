import EventModel
import FunctionJSON
import Testing

@Suite("Base64")
struct Base64Tests {
    @Test(
        "RFC 4648's own examples",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func examples(_ plain: String, _ text: String) {
        #expect(Base64.encode(plain.utf8) == Array(text.utf8))
        #expect(Base64.decode(text.utf8) == Array(plain.utf8))
        #expect(Base64.decodedCount(of: text.utf8) == plain.utf8.count)
    }

    @Test("every length and byte comes back")
    func random() {
        var random = SystemRandomNumberGenerator()
        for count in 0..<200 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
        #expect(Base64.encode(Array<UInt8>(0...255)).count == 344)
    }

    @Test(
        "what is no base64 is refused, also what other decoders take",
        arguments: [
            "Z", "Zg", "Zg=", "Zg===", "Z===", "====", "Zm9v\n", "Zm9-", "Zm_v", "Zh==", "Zm9=", "Zg==Zg==", "Zm 9",
            "Zm9é",
        ])
    func refused(_ text: String) {
        #expect(Base64.decode(text.utf8) == nil && Base64.decodedCount(of: text.utf8) == nil)
    }
}

@Suite("Records of streams as text")
struct StreamTextTests {
    @Test("sequence numbers are Kinesis' in length, rise with positions as texts, and lead back to them")
    func sequences() {
        let positions: [Int64] = [0, 1, 9, 10, 999, 123_456_789, .max]
        let texts = positions.map(StreamSequence.text)
        #expect(texts.allSatisfy { $0.utf8.count == 56 && $0.first == "4" })
        #expect(texts == texts.sorted())
        #expect(texts.map(StreamSequence.position) == positions)
        for text in ["", "49", "1", "-1", String(repeating: "9", count: 56), "49" + String(repeating: "x", count: 54)] {
            #expect(StreamSequence.position(of: text) == nil, "\(text)")
        }
        #expect(StreamSequence.position(of: "0") == 0)
        #expect(StreamSequence.position(of: "49" + String(repeating: "9", count: 54)) == nil)
        #expect(StreamSequence.shardNumber(StreamSequence.shardID(7)) == 7)
        #expect(StreamSequence.shardNumber("shardId-7") == nil && StreamSequence.shardNumber("shard") == nil)
        #expect(StreamSequence.ofRecord("shardId-000000000002:" + texts[3]) == 10)
        #expect(StreamSequence.ofRecord(texts[3]) == 10)
        #expect(StreamSequence.ofRecord("7") == nil && StreamSequence.ofRecord("a:" + texts[3]) == nil)
    }

    @Test(
        "a record reads back, whatever its key",
        arguments: ["k", "quote \" and \\", "ключ 🔑", "comma,\"data\":\"x", String(repeating: "a", count: 256)])
    func parts(_ key: String) throws {
        let data = Base64.encode("hello".utf8)
        let bytes = StreamRecordText.bytes(
            stream: "clicks", shard: 12, partitionKey: key, data: data, arrived: 1_795_280_000_007)
        let parts = try #require(StreamRecordText.Parts(bytes))
        #expect(parts.partitionKey == key && parts.stream == "clicks" && parts.shard == 12 && parts.data == data)
        #expect(parts.arrived == 1_795_280_000_007 && parts.sequenceNumber == StreamSequence.text(of: 0))
        #expect(StreamRecordText.partitionKey(of: bytes) == key)
        #expect(StreamRecordText.shard(of: StreamRecordText.moved(bytes, to: 345)) == 345)
        // As functions see it, once the journal has written its position.
        var marked = bytes
        for end in StreamRecordText.sequenceEnds { marked[end - 1] = UInt8(ascii: "5") }
        let record = try TapeDecoder().decode(StreamRecord.self, from: marked)
        #expect(record.partitionKey == key && record.text == "hello" && record.shardID == "shardId-000000000012")
        #expect(record.sequenceNumber == StreamSequence.text(of: 5) && record.streamName == "clicks")
        #expect(StreamRecordText.sequenceNumber(of: marked) == StreamSequence.text(of: 5))
    }

    @Test("an event of a bus is no record")
    func others() {
        for text in ["", "{}", #"{"version":"0","id":"e"}"#, #"{"eventID":"shardId-000000000001:"}"#] {
            let bytes = Array(text.utf8)
            #expect(!StreamRecordText.isRecord(bytes) && StreamRecordText.Parts(bytes) == nil)
            #expect(StreamRecordText.partitionKey(of: bytes) == nil && StreamRecordText.moved(bytes, to: 1) == bytes)
            #expect(StreamFilter.subject(of: bytes) == bytes)
        }
    }

    @Test("a record of any layout is read, and one whose time no clock can show is none")
    func layouts() {
        func parts(_ time: String) -> StreamRecordText.Parts? {
            StreamRecordText.Parts(
                parsing: Array(
                    (#"{ "kinesis": {"partitionKey": "k", "data": "", "sequenceNumber": "\#(StreamSequence.text(of: 3))", "#
                        + #""approximateArrivalTimestamp": \#(time)}, "eventID": "shardId-000000000001:0", "#
                        + #""eventSourceARN": "arn:aws:kinesis:local:000000000000:stream/s"}"#).utf8))
        }
        #expect(parts("1.5")?.arrived == 1500 && parts("1.5")?.shard == 1)
        for time in ["1e300", "9e18", "-1e300"] { #expect(parts(time) == nil, "\(time)") }
    }

    @Test("patterns see the data where it is JSON, and the key in any case")
    func subject() throws {
        func subject(_ data: String) throws -> JSONNode {
            let bytes = StreamRecordText.bytes(
                stream: "clicks", shard: 0, partitionKey: "k\"", data: Base64.encode(data.utf8), arrived: 0)
            return try JSONDocument(parsing: StreamFilter.subject(of: bytes)).root
        }
        let seen = try subject(#"{"kind": "view"}"#)
        #expect(seen["data"]?["kind"]?.string == "view" && seen["partitionKey"]?.string == "k\"")
        #expect(seen["eventSource"]?.string == "aws:kinesis")
        #expect(seen["eventSourceARN"]?.string == "arn:aws:kinesis:local:000000000000:stream/clicks")
        #expect(try subject("not json")["data"] == nil)
        #expect(try subject("")["data"] == nil)
        #expect(try subject("[1]")["data"]?.kind == .array)
    }

    @Test(
        "a record beyond Kinesis' limits is refused with the field",
        arguments: [
            ("", nil, "", "PartitionKey"), (String(repeating: "k", count: 257), nil, "", "PartitionKey"),
            ("k", "-1", "", "ExplicitHashKey"), ("k", "007", "", "ExplicitHashKey"), ("k", "x", "", "ExplicitHashKey"),
            ("k", "340282366920938463463374607431768211456", "", "ExplicitHashKey"), ("k", nil, "no!", "Data"),
        ] as [(String, String?, String, String)])
    func refused(_ key: String, _ hash: String?, _ data: String, _ field: String) {
        let entry = PutRecordsEntry(partitionKey: key, explicitHashKey: hash, data: data)
        let refusal = #expect(throws: PutRecordsEntry.Refusal.self) { try entry.validate() }
        #expect(refusal?.field == field)
    }

    @Test("one that is too large is refused, the largest is not")
    func largest() throws {
        let over = PutRecordsEntry(
            partitionKey: "k", explicitHashKey: nil, data: String(repeating: "AAAA", count: 349_526))
        let refusal = #expect(throws: PutRecordsEntry.Refusal.self) { try over.validate() }
        #expect(refusal?.field == "Data")
        let entry = PutRecordsEntry(
            partitionKey: String(repeating: "é", count: 256),
            explicitHashKey: "340282366920938463463374607431768211455",
            data: String(decoding: Base64.encode([UInt8](repeating: 1, count: 1 << 20)), as: UTF8.self))
        let valid = try entry.validate()
        #expect(valid.explicitHash == .max && valid.byteCount == 1 << 20 + 512)
    }
}
