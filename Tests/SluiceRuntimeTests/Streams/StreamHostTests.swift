import EventModel
import FunctionJSON
import HostAPI
import Journal
import SluiceRuntime
import Testing
import UVLoop

@Suite("Streams on a host", .timeLimit(.minutes(5)))
@LoopActor
struct StreamHostTests {
    private static let rule = "stream: clicks\ntargets: [{function: InC}]"

    private static func all(_ host: HostInProcess, shard: String? = nil) async throws -> [StreamPage.Record] {
        var records: [StreamPage.Record] = []
        var after = try await host.control.streamPosition(stream: "clicks", start: .trimHorizon).after
        while true {
            let page = try await host.control.streamRecords(
                StreamQuery(stream: "clicks", shard: shard, after: after, limit: 2))
            records += page.records
            guard page.next.after > after else { return records }
            after = page.next.after
        }
    }

    @Test("Records are put in order, read by shard, and handed to functions with their sequence numbers")
    func life() async throws {
        let host = try await HostInProcess(rules: ["r": Self.rule], streams: ["clicks": "shards: 2"])
        let receipts = try await host.put(keys: ["a", "b", "a", "fail", "b"], to: "clicks")
        let numbers = receipts.map(\.sequenceNumber)
        #expect(numbers == numbers.sorted() && Set(numbers).count == 5)
        #expect(
            receipts.map(\.shardID).prefix(3) == [
                "shardId-000000000000", "shardId-000000000001", "shardId-000000000000",
            ])
        let letter = try await host.wait { try await host.letters().first }
        let detail = try await host.control.deadLetter(id: letter.id)
        let dead = try TapeDecoder().decode(StreamRecord.self, from: detail.payload.bytes)
        #expect(dead.sequenceNumber == numbers[3] && dead.text == "3" && dead.partitionKey == "fail")
        #expect(dead.eventID == "\(receipts[3].shardID):\(numbers[3])")
        // Its sequence number names it wherever an event's id does.
        #expect(try await host.control.event(id: numbers[3]).deliveries.first?.state == "dead")
        #expect(try await host.control.trace(id: dead.eventID).root.id == letter.eventID)
        // Read beside the function, all and by shard.
        let all = try await Self.all(host)
        #expect(all.map(\.sequenceNumber) == numbers && all.map(\.data) == ["MA==", "MQ==", "Mg==", "Mw==", "NA=="])
        let first = try await Self.all(host, shard: "shardId-000000000000")
        #expect(first == all.filter { $0.shardID == "shardId-000000000000" } && !first.isEmpty)
        let info = try await host.wait {
            let info = try await host.control.stream(name: "clicks")
            return info.consumers.first?.waiting == 0 ? info : nil
        }
        #expect(info.openShards == 2 && info.newestSequenceNumber == numbers[4] && info.consumers.first?.dead == 1)
        #expect(info.shards.map(\.endingHashKey).last == "340282366920938463463374607431768211455")
        #expect(try host.journal.audit() == [])
        await host.stop()
    }

    @Test("Reading begins where it is asked to")
    func starts() async throws {
        let host = try await HostInProcess(rules: [:], streams: ["clicks": ""])
        let numbers = try await host.put(keys: ["a", "b", "c"], to: "clicks").map(\.sequenceNumber)
        func first(_ start: StreamStart) async throws -> String? {
            let after = try await host.control.streamPosition(stream: "clicks", start: start).after
            return try await host.control.streamRecords(StreamQuery(stream: "clicks", after: after)).records.first?
                .sequenceNumber
        }
        #expect(try await first(.trimHorizon) == numbers[0])
        #expect(try await first(.latest) == nil)
        #expect(try await first(.atSequenceNumber(numbers[1])) == numbers[1])
        #expect(try await first(.afterSequenceNumber(numbers[1])) == numbers[2])
        #expect(try await first(.atTimestamp(.init(milliseconds: 0))) == numbers[0])
        #expect(try await first(.atTimestamp(.init(milliseconds: 4_000_000_000_000))) == nil)
        let refused = await #expect(throws: APIError.self) {
            try await host.control.streamPosition(stream: "clicks", start: .atSequenceNumber("12"))
        }
        #expect(refused?.code == "InvalidRequest")
        await host.stop()
    }

    @Test("Another number of shards closes the old ones, which are read to their end")
    func reshard() async throws {
        let host = try await HostInProcess(rules: [:], streams: ["clicks": "shards: 1"])
        _ = try await host.put(keys: ["a"], to: "clicks")
        try await host.deploy(rules: [:], streams: ["clicks": "shards: 2"])
        let receipts = try await host.put(keys: ["a", "b"], to: "clicks")
        #expect(receipts.map(\.shardID) == ["shardId-000000000001", "shardId-000000000002"])
        let info = try await host.control.stream(name: "clicks")
        #expect(info.shards.map(\.isOpen) == [false, true, true] && info.openShards == 2)
        #expect(info.shards.map(\.parents) == [[], ["shardId-000000000000"], ["shardId-000000000000"]])
        let end = try #require(info.shards[0].endingSequenceNumber)
        #expect(end < receipts[0].sequenceNumber)
        let page = try await host.control.streamRecords(
            StreamQuery(stream: "clicks", shard: "shardId-000000000000", after: 0))
        #expect(page.records.count == 1 && page.isEnd)
        let open = try await host.control.streamRecords(
            StreamQuery(stream: "clicks", shard: "shardId-000000000001", after: 0))
        #expect(open.records.count == 1 && !open.isEnd && open.behindMilliseconds == 0)
        await host.stop()
    }

    @Test(
        "A record that waits for longer than its stream keeps records becomes a dead letter, and a redrive hands it out"
    )
    func expired() async throws {
        let host = try await HostInProcess(rules: ["r": Self.rule], streams: ["clicks": "retentionHours: 1"])
        let id = try #require(host.runtime.deployment.subscriptions.first?.id)
        let now = HostClock().wall
        var batch = Batch()
        for (index, hours) in [2, 0].enumerated() {
            let arrived = now - Int64(hours) * 3_600_000
            batch.appends.append(
                Append(
                    log: "stream/clicks", eventID: "e\(index)", ingested: arrived,
                    payload: StreamRecordText.bytes(
                        stream: "clicks", shard: 0, partitionKey: "k", data: [], arrived: arrived),
                    subscriptions: [id], ruleSet: host.runtime.deployment.ruleSet))
        }
        _ = try await host.journal.commit(batch)
        let letter = try await host.wait { try await host.letters().first }
        #expect(letter.code == "RecordExpired" && letter.eventID == "e0")
        _ = try await host.wait {
            try await host.control.status().subscriptions.first { $0.succeeded == 1 && $0.waiting == 0 }
        }
        // What is older than the retention is not read any more, and the newer one is.
        #expect(try await Self.all(host).count == 1)
        _ = try await host.control.redrive(.init(selection: .init(all: true)))
        _ = try await host.wait { try await host.control.status().subscriptions.first { $0.succeeded == 2 } }
        await host.stop()
    }

    @Test("What cannot be put is refused whole, with the record and what to do")
    func refused() async throws {
        let host = try await HostInProcess(rules: [:], streams: ["clicks": ""])
        func error(_ stream: String, _ records: [RecordSubmission.Entry]) async throws -> APIError? {
            await #expect(throws: APIError.self) {
                try await host.control.putRecords(stream: stream, submission: RecordSubmission(records: records))
            }
        }
        let good = RecordSubmission.Entry(partitionKey: "k", data: "")
        #expect(try await error("click", [good])?.hint?.contains("clicks") == true)
        #expect(try await error("clicks", [])?.message.contains("between 1 and 500") == true)
        #expect(try await error("clicks", Array(repeating: good, count: 501))?.code == "InvalidRequest")
        #expect(
            try await error("clicks", [good, .init(partitionKey: "", data: "")])?.message.contains("record 2") == true)
        let large = RecordSubmission.Entry(partitionKey: "k", data: String(repeating: "AAAA", count: 349_525))
        #expect(try await error("clicks", Array(repeating: large, count: 6))?.message.contains("together") == true)
        #expect(try await host.control.stream(name: "clicks").newestSequenceNumber == nil)
        await host.stop()
    }

    @Test("A replay hands records of a stream to the rules on it again")
    func replay() async throws {
        let host = try await HostInProcess(rules: ["r": Self.rule], streams: ["clicks": ""])
        _ = try await host.put(keys: ["a", "fail"], to: "clicks")
        try await host.wait { try await host.letters().count == 1 ? () : nil }
        _ = try await host.control.startReplay(HostInProcess.replay("again") { $0.bus = "stream/clicks" })
        let over = try await host.wait {
            let replay = try await host.control.replay(name: "again")
            return replay.isOver ? replay : nil
        }
        #expect(over.replayed == 2 && over.succeeded == 1 && over.dead == 1, "\(over)")
        await host.stop()
    }

    @Test("Events go on to a stream and to another bus, records to another stream: once, traced, with what they carry")
    func forwards() async throws {
        let host = try await HostInProcess(
            rules: [
                "events": """
                pattern: {source: [shop]}
                targets:
                - {stream: clicks, partitionKeyPath: detail.c}
                - {bus: orders}
                """,
                "records": "stream: clicks\npattern: {partitionKey: [a]}\ntargets: [{stream: copies}]",
                "orders": "bus: orders\npattern: {source: [shop]}\ntargets: [{function: InC}]",
            ], streams: ["clicks": "", "copies": "shards: 3"])
        let ids = try await host.put(["a", "b", "a"])
        try await host.wait {
            let subscriptions = try await host.control.status().subscriptions
            let done = Dictionary(uniqueKeysWithValues: subscriptions.map { ("\($0.rule)/\($0.target)", $0.succeeded) })
            return done == ["events/stream": 3, "events/bus": 3, "records/stream": 2, "orders/InC": 3] ? () : nil
        }
        let clicks = try await Self.all(host)
        #expect(clicks.map(\.partitionKey).sorted() == ["a", "a", "b"])
        let data = try clicks.map { try JSONDocument(parsing: Base64.decode($0.data.utf8) ?? []).root["id"]?.string }
        #expect(Set(data) == Set(ids))
        let copies = try await host.control.streamRecords(StreamQuery(stream: "copies", after: 0)).records
        #expect(copies.map(\.data) == clicks.filter { $0.partitionKey == "a" }.map(\.data))
        let trace = try await host.control.trace(id: copies[0].sequenceNumber)
        #expect(ids.contains(trace.root.id), "\(trace.root)")
        #expect(try host.journal.audit() == [])
        await host.stop()
    }

    @Test("What a stream cannot take is a dead letter, and is taken when it is sent to a function")
    func unforwardable() async throws {
        let host = try await HostInProcess(
            rules: ["r": "pattern: {source: [shop]}\ntargets: [{stream: clicks, partitionKeyPath: detail.c}]"],
            streams: ["clicks": ""])
        _ = try await host.put([String(repeating: "k", count: 257)])
        let letter = try await host.wait { try await host.letters().first }
        #expect(letter.code == "InvalidRecord" && letter.condition == "PermanentError", "\(letter)")
        #expect(try await Self.all(host).isEmpty)
        _ = try await host.control.redrive(.init(selection: .init(all: true), to: "InC"))
        try await host.wait { try await host.letters().isEmpty ? () : nil }
        await host.stop()
    }

    @Test("A circuit breaker does not count what the host refuses: records that have expired hold nothing back")
    func expiredBeforeBreaker() async throws {
        let rule =
            "stream: clicks\ntargets: [{function: InC, circuitBreaker: {failures: 2, retryAfterInSeconds: 3600}}]"
        let host = try await HostInProcess(rules: ["r": rule], streams: ["clicks": "retentionHours: 1"])
        let id = try #require(host.runtime.deployment.subscriptions.first?.id)
        let now = HostClock().wall
        var batch = Batch()
        for index in 0..<7 {
            let arrived = now - (index < 6 ? 2 : 0) * 3_600_000
            batch.appends.append(
                Append(
                    log: "stream/clicks", eventID: "e\(index)", ingested: arrived,
                    payload: StreamRecordText.bytes(
                        stream: "clicks", shard: 0, partitionKey: "k\(index)", data: [], arrived: arrived),
                    subscriptions: [id], ruleSet: host.runtime.deployment.ruleSet))
        }
        _ = try await host.journal.commit(batch)
        _ = try await host.wait {
            try await host.control.status().subscriptions.first { $0.dead == 6 && $0.succeeded == 1 }
        }
        await host.stop()
    }

    @Test("A record's dead letter is edited in any layout, and delivered as records are")
    func edited() async throws {
        let host = try await HostInProcess(rules: ["r": Self.rule], streams: ["clicks": ""])
        let place = try #require(try await host.put(keys: ["fail"], to: "clicks").first)
        let letter = try await host.wait { try await host.letters().first }
        let payload = try await host.control.deadLetter(id: letter.id).payload.text
        func redrive(_ text: String) async throws {
            _ = try await host.control.redrive(
                .init(selection: .init(ids: [letter.id]), payload: try RawJSON(text)))
        }
        for text in [
            "{}", payload.replacing(place.sequenceNumber, with: StreamSequence.text(of: 77)),
            payload.replacing("\"fail\"", with: "\"\""),
        ] {
            let error = await #expect(throws: APIError.self) { try await redrive(text) }
            #expect(error?.code == "InvalidRequest")
        }
        // Another key, and white space all over.
        try await redrive(payload.replacing("\"fail\"", with: "\"fine\"").replacing(",\"", with: " ,\n \""))
        _ = try await host.wait { try await host.control.status().subscriptions.first { $0.succeeded == 1 } }
        await host.stop()
    }

    @Test("Reading after the end of everything finds nothing")
    func beyond() async throws {
        let host = try await HostInProcess(rules: [:], streams: ["clicks": ""])
        let last = try #require(try await host.put(keys: ["a"], to: "clicks").first).sequenceNumber
        for after in [.max, .max - 1, StreamSequence.position(of: last) ?? 0] as [Int64] {
            let page = try await host.control.streamRecords(StreamQuery(stream: "clicks", after: after))
            #expect(page.records.isEmpty && page.next.after == after && page.behindMilliseconds == 0)
        }
        #expect(
            try await host.control.streamPosition(
                stream: "clicks", start: .atSequenceNumber(StreamSequence.text(of: .max))
            ).after == .max - 1)
        await host.stop()
    }

    @Test("A dry run compares records with those that the original run has put, by their bytes")
    func shadow() async throws {
        /// Puts a record with this partition key and data, when it is asked to.
        func function(_ key: String, _ data: String) -> String {
            let data = String(decoding: Base64.encode(data.utf8), as: UTF8.self)
            let put = #"{"entries":[{"stream":"clicks","partitionKey":"\#(key)","data":"\#(data)"}]}"#
            return "environment: {GATE: /dev/null, CALL: \"14\", PUT: '\(put)'}\ngrants: {streams: [clicks]}"
        }
        let rules = ["r": "pattern: {source: [shop]}\ntargets: [{function: InC}]"]
        let host = try await HostInProcess(
            functions: ["InC": function("\u{e9}", #"{"a":1,"b":"\#u{e9}"}"#)], rules: rules, streams: ["clicks": ""])
        _ = try await host.put(["gate"])
        _ = try await host.wait { try await host.control.status().subscriptions.first { $0.succeeded == 1 } }
        func report(_ name: String) async throws -> ShadowReport.Counts {
            _ = try await host.control.startReplay(HostInProcess.replay(name) { $0.dryRun = true })
            let over = try await host.wait {
                let replay = try await host.control.replay(name: name)
                return replay.isOver ? replay : nil
            }
            return try #require(over.shadow).events
        }
        let same = try await report("same")
        #expect(same.same == 1 && same.differences == 0, "\(same)")
        for (name, key, data) in [
            ("order", "\u{e9}", #"{"b":"\#u{e9}","a":1}"#), ("data", "\u{e9}", #"{"a":1,"b":"e\#u{301}"}"#),
            ("key", "e\u{301}", #"{"a":1,"b":"\#u{e9}"}"#),
        ] {
            try await host.deploy(functions: ["InC": function(key, data)], rules: rules, streams: ["clicks": ""])
            let counts = try await report(name)
            switch name {
            case "order": #expect(counts.same == 1 && counts.differences == 0, "\(counts)")
            case "data": #expect(counts.changed == 1 && counts.differences == 1, "\(counts)")
            default: #expect(counts.added == 1 && counts.missing == 1 && counts.same == 0, "\(counts)")
            }
        }
        await host.stop()
    }
}
