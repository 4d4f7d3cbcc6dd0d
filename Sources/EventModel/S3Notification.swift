/// What S3's own triggers hand to a function (`inputFormat: s3-notification`): one or more records, keys URL-encoded
/// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).
public struct S3Notification: Codable, Sendable, Hashable {
    public var records: [Record]

    public init(records: [Record]) { self.records = records }

    enum CodingKeys: String, CodingKey {
        case records = "Records"
    }

    /// One object that was created or deleted.
    public struct Record: Codable, Sendable, Hashable {
        public var eventVersion: String
        public var eventSource: String
        public var awsRegion: String
        /// With milliseconds.
        public var eventTime: String
        /// `ObjectCreated:Put`, `ObjectRemoved:Delete`, …
        public var eventName: String
        public var userIdentity: Identity
        public var requestParameters: RequestParameters
        public var responseElements: ResponseElements
        public var s3: Entity
    }

    /// Who did it, or whose it is.
    public struct Identity: Codable, Sendable, Hashable {
        public var principalId: String
    }

    /// What is known of the request that did it.
    public struct RequestParameters: Codable, Sendable, Hashable {
        public var sourceIPAddress: String
    }

    /// The ids by which the store knows the request.
    public struct ResponseElements: Codable, Sendable, Hashable {
        public var requestID: String
        public var id2: String

        enum CodingKeys: String, CodingKey {
            case requestID = "x-amz-request-id"
            case id2 = "x-amz-id-2"
        }
    }

    /// The bucket, the object, and the rule that delivers.
    public struct Entity: Codable, Sendable, Hashable {
        public var s3SchemaVersion: String
        /// The rule that delivers.
        public var configurationId: String
        public var bucket: Bucket
        public var object: Object
    }

    /// The bucket of the object.
    public struct Bucket: Codable, Sendable, Hashable {
        public var name: String
        public var ownerIdentity: Identity
        public var arn: String
    }

    /// The object itself.
    public struct Object: Codable, Sendable, Hashable {
        /// URL-encoded; see `decodedKey`.
        public var key: String
        /// Bytes; absent where the object was deleted.
        public var size: Int64?
        public var eTag: String?
        public var versionId: String?
        public var sequencer: String

        /// The key itself; nil if the text is not a form-encoded key.
        public var decodedKey: String? { FormEncoding.decoded(key) }
    }
}

extension S3Notification.Record {
    /// The record of an `Object Created` event. `configurationID` is the rule's name.
    public init(_ event: Event<ObjectCreated>, configurationID: String) {
        let reasons = [
            "PutObject": "Put", "POST Object": "Post", "CopyObject": "Copy",
            "CompleteMultipartUpload": "CompleteMultipartUpload",
        ]
        let detail = event.detail
        self.init(
            region: event.region, time: event.time, name: "ObjectCreated:" + (reasons[detail.reason] ?? "Put"),
            requester: detail.requester, sourceIPAddress: detail.sourceIPAddress, requestID: detail.requestID,
            configurationID: configurationID, bucket: detail.bucket.name,
            object: S3Notification.Object(
                key: FormEncoding.encoded(detail.object.key), size: detail.object.size, eTag: detail.object.etag,
                versionId: detail.object.versionID, sequencer: detail.object.sequencer))
    }

    /// The record of an `Object Deleted` event.
    public init(_ event: Event<ObjectDeleted>, configurationID: String) {
        let detail = event.detail
        let marker = detail.deletionType == "Delete Marker Created"
        let expired = detail.reason == "Lifecycle Expiration"
        self.init(
            region: event.region, time: event.time,
            name: (expired ? "LifecycleExpiration:" : "ObjectRemoved:") + (marker ? "DeleteMarkerCreated" : "Delete"),
            requester: detail.requester, sourceIPAddress: detail.sourceIPAddress, requestID: detail.requestID,
            configurationID: configurationID, bucket: detail.bucket.name,
            object: S3Notification.Object(
                key: FormEncoding.encoded(detail.object.key), size: nil, eTag: detail.object.etag,
                versionId: detail.object.versionID, sequencer: detail.object.sequencer))
    }

    private init(
        region: String, time: Timestamp, name: String, requester: String?, sourceIPAddress: String?, requestID: String?,
        configurationID: String, bucket: String, object: S3Notification.Object
    ) {
        let identity = S3Notification.Identity(principalId: requester ?? "local")
        self.init(
            eventVersion: "2.1", eventSource: "aws:s3", awsRegion: region, eventTime: time.rfc3339(fractionDigits: 3),
            eventName: name, userIdentity: identity,
            requestParameters: .init(sourceIPAddress: sourceIPAddress ?? "127.0.0.1"),
            responseElements: .init(requestID: requestID ?? "", id2: ""),
            s3: S3Notification.Entity(
                s3SchemaVersion: "1.0", configurationId: configurationID,
                bucket: .init(name: bucket, ownerIdentity: identity, arn: "arn:aws:s3:::\(bucket)"), object: object))
    }
}
