import FunctionJSON
import HostAPI
import Testing

@Suite("Kinesis' calls: putting records", .timeLimit(.minutes(5)))
struct KinesisPutTests {
    @Test("One record: its data as it was sent, its shard by the key or by the hash key")
    func putRecord() async throws {
        try await AWSCalls.with { call in
            let first = try await call(
                "PutRecord", #"{"StreamName":"clicks","Data":"aGVsbG8=","PartitionKey":"user-1"}"#)
            #expect(first.status == 200)
            #expect(first.body["EncryptionType"]?.string == "NONE")
            #expect(first.body["ShardId"]?.string == "shardId-000000000001")
            let number = try #require(first.body["SequenceNumber"]?.string)
            #expect(number.count == 56)
            let second = try await call(
                "PutRecord",
                #"{"StreamARN":"arn:aws:kinesis:eu-central-1:123456789012:stream/clicks","Data":"","PartitionKey":"ü\n","#
                    + #""ExplicitHashKey":"340282366920938463463374607431768211455","SequenceNumberForOrdering":"\#(number)","#
                    + #""StreamId":null}"#)
            #expect(second.body["ShardId"]?.string == "shardId-000000000003")
            let stored = call.running.host.streams.records(of: "clicks")
            #expect(stored.map(\.data) == ["aGVsbG8=", ""])
            #expect(stored.map(\.partitionKey) == ["user-1", "ü\n"])
        }
    }

    @Test("Five hundred records answer in their order")
    func putRecords() async throws {
        try await AWSCalls.with { call in
            // As PHP writes it: a slash may be escaped.
            let records = (0..<500).map { #"{"PartitionKey":"\#($0)","Data":"\/\/\/\/"}"# }
            let answer = try await call(
                "PutRecords", #"{"StreamName":"small","Records":[\#(records.joined(separator: ","))]}"#)
            #expect(answer.body["FailedRecordCount"]?.int == 0)
            let numbers = answer.body["Records"]?.array?.compactMap { $0["SequenceNumber"]?.string } ?? []
            let stored = call.running.host.streams.records(of: "small")
            #expect(numbers == stored.map(\.sequenceNumber) && numbers.count == 500)
            #expect(stored.map(\.partitionKey) == (0..<500).map { "\($0)" })
            #expect(stored.allSatisfy { $0.data == "////" })
        }
    }

    @Test("The largest record and the largest request are taken, and a byte more is not")
    func limits() async throws {
        try await AWSCalls.with { call in
            // 1 MiB is 349525 groups of three bytes and one byte.
            let largest = String(repeating: "AAAA", count: 349_525) + "AA=="
            let longer = String(repeating: "AAAA", count: 349_525) + "AAA="
            func put(_ records: [String]) async throws -> AWSCalls.Answer {
                try await call("PutRecords", #"{"StreamName":"small","Records":[\#(records.joined(separator: ","))]}"#)
            }
            func record(_ data: String, key: String = "k") -> String {
                #"{"Data":"\#(data)","PartitionKey":"\#(key)"}"#
            }
            let one = try await put([record(largest)])
            #expect(one.status == 200, "\(one.message)")
            let oneMore = try await put([record("AAAA"), record(longer)])
            #expect(oneMore.error == "ValidationException")
            #expect(
                oneMore.message
                    == "1 validation error detected: Value '[1048577 bytes]' at 'records.2.member.data' failed "
                    + "to satisfy constraint: Member must have length less than or equal to 1048576")
            let five = try await put(Array(repeating: record(largest), count: 5))
            #expect(five.error == "InvalidArgumentException")
            #expect(five.message.hasPrefix("Records size exceeds 5 MB limit"))
            // Keys count.
            let keys = String(repeating: "k", count: 256)
            let data = String(repeating: "AAAA", count: 349_440)
            let full = try await put(Array(repeating: record(data, key: keys), count: 5))
            #expect(full.status == 200, "\(full.message)")
            #expect(call.running.host.streams.records(of: "small").count == 6)
        }
    }

    @Test(
        "Invalid records name the field, and nothing is stored",
        arguments: [
            (#"{"PartitionKey":"k"}"#, "ValidationException", "Value null at 'records.1.member.data'"),
            (#"{"Data":"AAAA"}"#, "ValidationException", "Value null at 'records.1.member.partitionKey'"),
            (#"{"Data":"AAAA","PartitionKey":""}"#, "ValidationException", "greater than or equal to 1"),
            (
                #"{"Data":"AAAA","PartitionKey":"\#(String(repeating: "ü", count: 257))"}"#, "ValidationException",
                "less than or equal to 256"
            ),
            (#"{"Data":"AAA","PartitionKey":"k"}"#, "SerializationException", "base64"),
            (#"{"Data":"A-_A","PartitionKey":"k"}"#, "SerializationException", "base64"),
            (#"{"Data":[1],"PartitionKey":"k"}"#, "SerializationException", "records.1.member.Data"),
            (#"{"Data":"AAAA","PartitionKey":1}"#, "SerializationException", "must be a string"),
            (#"1"#, "SerializationException", "records.1.member"),
            (
                #"{"Data":"AAAA","PartitionKey":"k","ExplicitHashKey":"01"}"#, "ValidationException",
                "'records.1.member.explicitHashKey'"
            ),
            (
                #"{"Data":"AAAA","PartitionKey":"k","ExplicitHashKey":"-1"}"#, "ValidationException",
                "'records.1.member.explicitHashKey'"
            ),
            (
                #"{"Data":"AAAA","PartitionKey":"k","ExplicitHashKey":"340282366920938463463374607431768211456"}"#,
                "InvalidArgumentException", "[0, 2^128-1]"
            ),
        ])
    func invalid(record: String, type: String, message: String) async throws {
        try await AWSCalls.with { call in
            let answer = try await call("PutRecords", #"{"StreamName":"clicks","Records":[\#(record)]}"#)
            #expect(answer.status == 400)
            #expect(answer.error == type)
            #expect(answer.message.contains(message), "\(answer.message)")
            #expect(call.running.host.streams.records(of: "clicks").isEmpty)
        }
    }

    @Test("Requests as a whole")
    func requests() async throws {
        try await AWSCalls.with { call in
            let record = #"{"Data":"AAAA","PartitionKey":"k"}"#
            func check(
                _ body: String, _ type: String, _ message: String, operation: String = "PutRecords",
                sourceLocation: SourceLocation = #_sourceLocation
            ) async throws {
                let answer = try await call(operation, body)
                #expect(answer.status == 400, sourceLocation: sourceLocation)
                #expect(answer.error == type, "\(answer.message)", sourceLocation: sourceLocation)
                #expect(answer.message.contains(message), "\(answer.message)", sourceLocation: sourceLocation)
            }
            let many = Array(repeating: record, count: 501).joined(separator: ",")
            try await check(
                #"{"StreamName":"clicks","Records":[\#(many)]}"#, "ValidationException", "less than or equal to 500")
            try await check(#"{"StreamName":"clicks","Records":[]}"#, "ValidationException", "equal to 1")
            try await check(#"{"StreamName":"clicks"}"#, "ValidationException", "Value null at 'records'")
            try await check(#"{"StreamName":"clicks","Records":{}}"#, "SerializationException", "must be a list")
            try await check(#"{"Records":[\#(record)]}"#, "InvalidArgumentException", "Either StreamName or StreamARN")
            try await check(#"{"StreamName":"a b","Records":[\#(record)]}"#, "ValidationException", "[a-zA-Z0-9_.-]+")
            try await check(
                #"{"StreamARN":"arn:aws:sqs:x:1:clicks","Records":[\#(record)]}"#, "ValidationException", "streamARN")
            try await check(
                #"{"StreamName":"small","StreamARN":"arn:aws:kinesis:x:000000000000:stream/clicks","Records":[\#(record)]}"#,
                "InvalidArgumentException", "different streams")
            try await check(
                #"{"StreamName":"clics","Records":[\#(record)]}"#, "ResourceNotFoundException",
                "Stream clics under account 000000000000 not found. did you mean `clicks`?")
            try await check(
                #"{"StreamName":"clicks","Data":"AAAA","PartitionKey":"k","SequenceNumberForOrdering":"495"}"#,
                "InvalidArgumentException", "did not come from this stream", operation: "PutRecord")
            try await check(
                #"{"StreamName":"clicks","DryRun":true,"Records":[\#(record)]}"#, "DryRunOperationException",
                "succeeded")
            try await check("[]", "SerializationException", "object")
            try await check("{", "SerializationException", "not JSON")
            let huge = try await call("PutRecords", String(repeating: " ", count: (12 << 20) + 1))
            #expect(huge.status == 413)
            #expect(huge.error == "RequestEntityTooLargeException")
            #expect(call.running.host.streams.records(of: "clicks").isEmpty)
        }
    }

    @Test("A host that is full or busy asks for another try; what it did not foresee is 500")
    func busy() async throws {
        try await AWSCalls.with { call in
            let body = #"{"StreamName":"clicks","Data":"AAAA","PartitionKey":"k"}"#
            call.running.host.streams.refuse(with: .unavailable("the disk is full", hint: "make room"))
            let full = try await call("PutRecord", body)
            #expect(full.status == 400)
            #expect(full.error == "ProvisionedThroughputExceededException")
            #expect(full.message == "the disk is full; make room")
            call.running.host.streams.refuse(with: .internalError("broken"))
            let broken = try await call("PutRecord", body)
            #expect(broken.status == 500)
            #expect(broken.error == "InternalFailure")
            call.running.host.streams.refuse(with: .invalidRequest("no"))
            #expect(try await call("PutRecord", body).error == "InvalidArgumentException")
        }
    }
}
