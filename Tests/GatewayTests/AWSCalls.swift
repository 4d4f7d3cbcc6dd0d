import FunctionJSON
import Gateway
import HostAPI
import Testing

/// Calls of AWS's JSON protocol, as an SDK sends them.
struct AWSCalls: Sendable {
    let running: Harness.Running
    var contentType = "application/x-amz-json-1.1"

    struct Answer {
        var status: Int
        var body: JSONValue

        var error: String? { body["__type"]?.string }
        var message: String { body["message"]?.string ?? "" }
    }

    /// A gateway that listens on TCP too, with streams `clicks` (4 shards) and `small` (1 shard).
    static func with(_ body: @Sendable @escaping (AWSCalls) async throws -> Void) async throws {
        try await Harness.with(listen: ListenAddress(host: "127.0.0.1", port: 0)) { running in
            running.host.streams.declare("clicks", shards: 4)
            running.host.streams.declare("small", shards: 1)
            try await body(AWSCalls(running: running))
        }
    }

    func callAsFunction(_ operation: String, _ body: String, service: String = "Kinesis_20131202") async throws
        -> Answer
    {
        let address = try #require(running.listening)
        let request = RawHTTP.request(
            "POST", "/", headers: ["x-amz-target: \(service).\(operation)", "content-type: \(contentType)"], body: body)
        return try Self.read(try await RawHTTP.tcp(address, request))
    }

    static func read(_ answer: String) throws -> Answer {
        let status = answer.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        let json = answer.split(separator: "\r\n\r\n", maxSplits: 1).last.map(String.init) ?? ""
        return Answer(status: status, body: try JSONValue(parsing: json))
    }

    /// An iterator; `more` are further members of the request.
    func iterator(_ shard: String, _ type: String, _ more: String = "", stream: String = "clicks") async throws
        -> String
    {
        let answer = try await self(
            "GetShardIterator",
            #"{"StreamName":"\#(stream)","ShardId":"\#(shard)","ShardIteratorType":"\#(type)"\#(more)}"#)
        return try #require(answer.body["ShardIterator"]?.string, "\(answer.body)")
    }

    func records(_ iterator: String, limit: Int = 10_000) async throws -> Answer {
        try await self("GetRecords", #"{"ShardIterator":"\#(iterator)","Limit":\#(limit)}"#)
    }
}
