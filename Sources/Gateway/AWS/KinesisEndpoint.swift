import EventModel
import FunctionJSON
import CLinux
import Glibc
import HostAPI

/// Kinesis Data Streams' own calls (`Kinesis_20131202.…`,
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/Welcome.html): boto3, the KCL and `aws kinesis` with
/// `--endpoint-url` put and read records here. Streams are declared in sluice.yaml: what would change them is refused.
enum KinesisEndpoint {
    typealias Operation = @Sendable (KinesisCall) async throws -> [UInt8]

    /// 5 MiB of data in base64, and keys with every character as an escape, still fit.
    static let service = AWSEndpoint.Service(
        name: "Kinesis_20131202", operations: operations.keys.sorted(), bodyLimit: 12 << 20, answer: answer)

    private static let operations: [String: Operation] = [
        "PutRecord": { try await $0.putRecord() }, "PutRecords": { try await $0.putRecords() },
        "GetShardIterator": { try await $0.getShardIterator() }, "GetRecords": { try await $0.getRecords() },
        "ListShards": { try await $0.listShards() }, "DescribeStream": { try await $0.describeStream() },
        "DescribeStreamSummary": { try await $0.describeStreamSummary() },
        "ListStreams": { try await $0.listStreams() }, "ListTagsForStream": { try await $0.listTags() },
        "ListStreamConsumers": { try await $0.listConsumers() }, "DescribeLimits": { try await $0.describeLimits() },
    ]

    /// Those that read and write records: what they are told of a host that is busy differs.
    private static let ofData: Set<String> = ["PutRecord", "PutRecords", "GetShardIterator", "GetRecords"]

    private static func answer(_ operation: String, _ body: [UInt8], _ control: any HostControl) async throws -> [UInt8]
    {
        let known = operations[operation]
        guard known != nil || refusals[operation] != nil else {
            throw AWSEndpoint.unknown("\(service.name).\(operation)")
        }
        let call = KinesisCall(
            input: try AWSInput(parsing: body), control: control, now: now(), isOfData: ofData.contains(operation))
        do {
            if let known { return try await known(call) }
            try await call.refuseExisting(operation)
        } catch let error as APIError {
            throw call.refusal(error)
        }
        throw AWSError("ValidationException", "\(operation) is not possible here: \(refusals[operation] ?? "")")
    }

    private static func now() -> APITime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return APITime(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    // MARK: What is refused, and what to do instead

    private static let refusals: [String: String] = {
        let declared =
            "streams are declared in sluice.yaml (streams: {NAME: {shards: 4, retentionHours: 24}}) and "
            + "changed by `sluice deploy`"
        let fanOut =
            "there is no enhanced fan-out. Read with GetShardIterator and GetRecords (KCL: polling), or have the "
            + "records delivered to a function by a rule with `stream: NAME`"
        let absent = "streams have no tags, policies, encryption or metrics by the shard here"
        let groups = [
            declared: [
                "CreateStream", "DeleteStream", "UpdateShardCount", "SplitShard", "MergeShards", "UpdateStreamMode",
                "IncreaseStreamRetentionPeriod", "DecreaseStreamRetentionPeriod", "UpdateMaxRecordSize",
                "UpdateStreamWarmThroughput", "UpdateStreamRecordDistributionStrategy", "UpdateAccountSettings",
            ],
            fanOut: [
                "RegisterStreamConsumer", "DeregisterStreamConsumer", "DescribeStreamConsumer", "SubscribeToShard",
            ],
            absent: [
                "AddTagsToStream", "RemoveTagsFromStream", "TagResource", "UntagResource", "ListTagsForResource",
                "StartStreamEncryption", "StopStreamEncryption", "EnableEnhancedMonitoring",
                "DisableEnhancedMonitoring", "PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy",
            ],
        ]
        return Dictionary(
            groups.flatMap { reason, names in names.map { ($0, reason) } }, uniquingKeysWith: { first, _ in first })
    }()
}

/// One request with what operations need of it.
struct KinesisCall: Sendable {
    let input: AWSInput
    let control: any HostControl
    let now: APITime
    let isOfData: Bool

    static let account = "000000000000"

    /// The stream that the request names, by name or ARN; nothing is said of whether there is one.
    func streamName() throws(AWSError) -> String {
        let name = try input.text("StreamName")
        if let name {
            guard !name.isEmpty else {
                throw input.validation(name, "StreamName", "have length greater than or equal to 1")
            }
            guard name.utf8.count <= 128 else {
                throw input.validation(name, "StreamName", "have length less than or equal to 128")
            }
            guard name.utf8.allSatisfy(Self.isOfName) else {
                throw input.validation(name, "StreamName", "satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
            }
        }
        let ofARN = try streamOfARN()
        if let name, let ofARN, name != ofARN {
            throw .invalidArgument("StreamName \(name) and StreamARN name different streams.")
        }
        if let name = name ?? ofARN { return name }
        guard try input.text("StreamId") == nil else {
            throw .invalidArgument("Streams have no id here: name the stream by StreamName or StreamARN.")
        }
        throw .invalidArgument("Either StreamName or StreamARN must be provided.")
    }

    /// The stream's name in `StreamARN`; region and account are not compared.
    func streamOfARN() throws(AWSError) -> String? {
        guard let arn = try input.text("StreamARN") else { return nil }
        let parts = arn.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "arn", parts[1].hasPrefix("aws"), parts[2] == "kinesis",
            parts[5].hasPrefix("stream/"), parts[5].count > 7, !parts[5].dropFirst(7).contains("/")
        else {
            throw input.validation(
                arn, "StreamARN",
                "satisfy regular expression pattern: arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+")
        }
        return String(parts[5].dropFirst(7))
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// The stream that the request names.
    func stream() async throws -> StreamInfo { try await control.stream(name: streamName()) }

    /// A client that makes sure that a stream exists learns that it does, in AWS's words.
    func refuseExisting(_ operation: String) async throws {
        guard operation == "CreateStream", let stream = try? await stream() else { return }
        throw AWSError(
            "ResourceInUseException", "Stream \(stream.name) under account \(Self.account) already exists.")
    }

    /// With `DryRun` everything is checked and nothing done.
    func checkDryRun(_ stream: String) async throws {
        guard try input.flag("DryRun") else { return }
        _ = try await control.stream(name: stream)
        throw AWSError("DryRunOperationException", "Request would have succeeded, but the DryRun flag is set.")
    }

    /// A refusal of the host in Kinesis' words. A host that is busy or short of space has stored nothing: SDKs try that
    /// again by themselves.
    func refusal(_ error: APIError) -> AWSError {
        let message = error.message + (error.hint.map { "; \($0)" } ?? "")
        switch error.status {
        case 404:
            let name = (try? streamName()) ?? ""
            if error.message == APIError.notFound("stream", name).message {
                let hint = error.hint.map { " \($0)" } ?? ""
                return AWSError(
                    "ResourceNotFoundException", "Stream \(name) under account \(Self.account) not found.\(hint)")
            }
            return AWSError("ResourceNotFoundException", message)
        case 409: return AWSError("ResourceInUseException", message)
        case 429, 503:
            return isOfData
                ? AWSError("ProvisionedThroughputExceededException", message)
                : AWSError("ServiceUnavailable", message, status: 503)
        case 400..<500: return .invalidArgument(message)
        default: return AWSError("InternalFailure", message, status: 500)
        }
    }
}
