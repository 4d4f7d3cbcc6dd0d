import EventModel
import FunctionJSON
import Testing

@Suite("Events")
struct EventTests {
    /// From the S3 user guide, as in the conformance notes.
    static let sample = """
        {"version":"0","id":"17793124-05d4-b198-2fde-7ededc63b103","detail-type":"Object Created","source":"aws.s3",\
        "account":"111122223333","time":"2021-11-12T00:00:00Z","region":"ca-central-1",\
        "resources":["arn:aws:s3:::amzn-s3-demo-bucket1"],"detail":{"version":"0",\
        "bucket":{"name":"amzn-s3-demo-bucket1"},"object":{"key":"example-key","size":5,\
        "etag":"b1946ac92492d2347c6235b4d2611184","version-id":"IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",\
        "sequencer":"617f08299329d189"},"request-id":"N4N7GDK58NMKJ12R","requester":"123456789012",\
        "source-ip-address":"1.2.3.4","reason":"PutObject"}}
        """

    @Test("AWS's example decodes, and encodes back to the same bytes")
    func objectCreated() throws {
        let event = try TapeDecoder().decode(Event<ObjectCreated>.self, from: Self.sample)
        #expect(event.detail.object.versionID == "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e")
        #expect(event.detail.requestID == "N4N7GDK58NMKJ12R")
        #expect(event.time.description == "2021-11-12T00:00:00Z")
        #expect(try TapeEncoder().text(event) == Self.sample)
    }

    @Test("the events of a request are the same bytes as each of them by itself, whatever changes from one to the next")
    func request() throws {
        let document = try JSONDocument(parsing: #"[{"a":1}, {"b": "ä"} ,{}]"#).root
        let details = document.elements.map { PutEventsEntry.ReadDetail($0.sharedRaw, traits: nil) }
        var writer = EventEnvelopeWriter(account: "000000000000", region: "local")
        var ids = EventID.Generator()
        for index in 0..<200 {
            // Each of them changes at another pace.
            let (source, type) = ("s\(index / 7)\"", "t\(index / 5 % 3)")
            let (resources, second) = (index / 11 % 2 == 0 ? [] : ["r\(index / 22)", "\\"], 1 + index / 13 % 2)
            let (id, detail) = (ids.next(), details[index % 3])
            let written = writer.bytes(
                id: id, detailType: type, source: source, time: "2021-11-12T00:00:0\(second)Z", resources: resources,
                detail: detail)
            let envelope = EventEnvelope(
                id: id, detailType: type, source: source, account: "000000000000",
                time: try #require(Timestamp(rfc3339: "2021-11-12T00:00:0\(second)Z")), region: "local",
                resources: resources)
            #expect(written == envelope.bytes(detail: detail.json.bytes))
        }
    }

    @Test("of neighbours that only look alike each keeps its own bytes", arguments: ["source", "type", "resource"])
    func equivalents(_ field: String) throws {
        let detail = PutEventsEntry.ReadDetail(
            try JSONDocument(parsing: "[{}]").root.elements.map(\.sharedRaw)[0], traits: nil)
        var writer = EventEnvelopeWriter(account: "000000000000", region: "local")
        var ids = EventID.Generator()
        // Composed and decomposed; two orders of marks with as many bytes; the letter and the unit.
        for text in ["caf\u{e9}", "cafe\u{301}", "a\u{323}\u{307}", "a\u{307}\u{323}", "K", "\u{212a}"] {
            func of(_ name: String) -> String { field == name ? text : "x" }
            let written = writer.bytes(
                id: ids.next(), detailType: of("type"), source: of("source"), time: "2021-11-12T00:00:00Z",
                resources: [of("resource")], detail: detail)
            #expect(written.firstRange(of: Array("\"\(text)\"".utf8)) != nil, "\(Array(text.utf8))")
        }
    }

    @Test("ids have a UUID's form, its version and its variant, and every digit can be each")
    func ids() {
        #expect(EventID.random(0, 0) == "00000000-0000-4000-8000-000000000000")
        #expect(EventID.random(.max, .max) == "ffffffff-ffff-4fff-bfff-ffffffffffff")
        #expect(
            EventID.random(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210) == "01234567-89ab-4def-bedc-ba9876543210")
        #expect(EventID.derived(from: 0..<16) == "00010203-0405-8607-8809-0a0b0c0d0e0f")
        var generator = EventID.Generator()
        #expect(Set((0..<1000).map { _ in generator.next() }).count == 1000)
    }

    @Test("a part of a document is the same value as one with bytes of its own")
    func parts() throws {
        let node = try #require(try JSONDocument(parsing: #" {"x": {"a" : [1]} } "#).root["x"])
        #expect(node.sharedRaw == node.raw && node.sharedRaw.hashValue == node.raw.hashValue)
        #expect(node.sharedRaw.bytes == Array(#"{"a" : [1]}"#.utf8) && node.sharedRaw.count == 11)
        #expect(try TapeEncoder().text(node.sharedRaw) == #"{"a" : [1]}"#)
        #expect(node.sharedRaw != (try RawJSON(#"{"a":[1]}"#)))
    }

    @Test("an envelope assembled from parts is the same bytes as an encoded event")
    func assembled() throws {
        let event = try TapeDecoder().decode(Event<RawJSON>.self, from: Self.sample)
        var envelope = EventEnvelope(
            id: event.id, detailType: event.detailType, source: event.source, account: event.account, time: event.time,
            region: event.region, resources: event.resources)
        #expect(String(decoding: envelope.bytes(detail: event.detail.bytes), as: UTF8.self) == Self.sample)
        envelope.source = "quote\" \n"
        envelope.resources = ["a", "b\\"]
        envelope.replayName = "r"
        let awkward = try TapeDecoder().decode(Event<RawJSON>.self, from: envelope.bytes(detail: "{}".utf8))
        #expect(awkward.source == "quote\" \n")
        #expect(awkward.resources == ["a", "b\\"])
        #expect(awkward.replayName == "r")
    }

    @Test("the source is read from an envelope's head, and from nothing that is another form or escaped")
    func writtenSource() throws {
        func source(_ text: String) -> String? {
            Array(text.utf8).withUnsafeBytes {
                EventEnvelope.writtenSource(of: $0).map { String(decoding: $0, as: UTF8.self) }
            }
        }
        let envelope = EventEnvelope(
            id: "1", detailType: "Object Created", source: "aws.s3", account: "0",
            time: Timestamp(nanosecondsSinceEpoch: 0),
            region: "local")
        #expect(source(String(decoding: envelope.bytes(detail: "{}".utf8), as: UTF8.self)) == "aws.s3")
        let head = #"{"version":"0","id":"1","detail-type":"T","source":"s""#
        #expect(source(head) == "s")
        // Cut anywhere, it is nobody's.
        for count in 0..<head.utf8.count { #expect(source(String(head.prefix(count))) == nil) }
        #expect(source(#"{"version":"0","id":"1","source":"s","detail-type":"T"}"#) == nil)
        #expect(source(#"{"version":"0","id":"1","detail-type":"a\"","source":"s"}"#) == nil)
        #expect(source(#"{"version":"0","id":"1","detail-type":"T","source":"a\u0077s.s3"}"#) == nil)
        #expect(source(#"{ "version":"0","id":"1","detail-type":"T","source":"s"}"#) == nil)
    }

    @Test("marking a replay changes nothing else")
    func marked() throws {
        let once = try EventEnvelope.marked(Array(Self.sample.utf8), replayName: "week", replayedFrom: "dlq/7")
        #expect(
            String(decoding: once, as: UTF8.self)
                == Self.sample.dropLast() + #","replay-name":"week","replayed-from":"dlq/7"}"#)
        let again = try EventEnvelope.marked(once, replayedFrom: "dlq/8")
        #expect(String(decoding: again, as: UTF8.self) == Self.sample.dropLast() + #","replayed-from":"dlq/8"}"#)
        #expect(throws: JSONError.self) { try EventEnvelope.marked(Array("{".utf8)) }
    }

    @Test("an event without the optional parts decodes, one without the needed parts names what is missing")
    func partial() throws {
        let event = try TapeDecoder().decode(
            Event<JSONValue>.self,
            from: #"{"id":"1","detail-type":"T","source":"s","time":"2021-11-12T00:00:00Z","detail":{"a":[1]}}"#)
        #expect(event.resources == [])
        #expect(event.detail["a"]?[0]?.int == 1)
        for missing in ["id", "detail-type", "source", "time", "detail"] {
            var value = try JSONValue(parsing: Self.sample)
            value[missing] = nil
            let error = #expect(throws: DecodingError.self) { try value.decode(Event<JSONValue>.self) }
            guard case .keyNotFound(let key, _) = error else {
                Issue.record("\(missing): \(error as Any)")
                continue
            }
            #expect(key.stringValue == missing)
        }
    }

    @Test("an S3 notification as S3's own triggers send it")
    func notification() throws {
        var event = try TapeDecoder().decode(Event<ObjectCreated>.self, from: Self.sample)
        event.detail.object.key = "in/red flower+é(1).jpg"
        event.detail.object.versionID = nil
        event.detail.reason = "CompleteMultipartUpload"
        let deleted = Event(
            id: "2", time: event.time, region: "eu-north-1",
            deleted: ObjectDeleted(bucket: "b", object: .init(key: "k", sequencer: "0A")))
        let bytes = try S3Notification.bytes(
            events: [TapeEncoder().encode(event), TapeEncoder().encode(deleted)], configurationID: "csv-landed")
        #expect(
            String(decoding: bytes, as: UTF8.self).hasPrefix(
                """
                {"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"ca-central-1",\
                "eventTime":"2021-11-12T00:00:00.000Z","eventName":"ObjectCreated:CompleteMultipartUpload",\
                "userIdentity":{"principalId":"123456789012"},"requestParameters":{"sourceIPAddress":"1.2.3.4"},\
                "responseElements":{"x-amz-request-id":"N4N7GDK58NMKJ12R","x-amz-id-2":""},\
                "s3":{"s3SchemaVersion":"1.0","configurationId":"csv-landed","bucket":{"name":"amzn-s3-demo-bucket1",\
                "ownerIdentity":{"principalId":"123456789012"},"arn":"arn:aws:s3:::amzn-s3-demo-bucket1"},\
                "object":{"key":"in/red+flower%2B%C3%A9%281%29.jpg","size":5,"eTag":"b1946ac92492d2347c6235b4d2611184",\
                "sequencer":"617f08299329d189"}}},
                """))
        let decoded = try TapeDecoder().decode(S3Notification.self, from: bytes)
        #expect(decoded.records.map(\.s3.object.decodedKey) == ["in/red flower+é(1).jpg", "k"])
        #expect(decoded.records[1].eventName == "ObjectRemoved:Delete")
        #expect(decoded.records[1].s3.object.size == nil)
        #expect(FormEncoding.decoded("a%2") == nil)
        #expect(FormEncoding.decoded("%ff") == nil)
        #expect(throws: DecodingError.self) {
            try S3Notification.bytes(
                events: [
                    EventEnvelope(
                        id: "1", detailType: "Other", source: "s", account: "", time: event.time, region: ""
                    ).bytes(detail: "{}".utf8)
                ],
                configurationID: "r")
        }
    }
}
