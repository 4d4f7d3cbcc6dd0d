// The details of object events, with the names of AWS
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html).

/// The bucket of an object event.
public struct EventBucket: Codable, Sendable, Hashable {
    public var name: String

    public init(name: String) { self.name = name }
}

/// The detail of `Object Created`: a version of an object is there, whole.
public struct ObjectCreated: Codable, Sendable, Hashable {
    /// `source` of object events.
    public static let source = "aws.s3"
    /// `detail-type` of this detail.
    public static let detailType = "Object Created"

    /// The object that was created, in this version.
    public struct Object: Codable, Sendable, Hashable {
        /// As it is; S3 notifications have it URL-encoded, events do not.
        public var key: String
        /// Bytes.
        public var size: Int64
        public var etag: String
        public var versionID: String?
        /// Orders the versions of one key: compare as strings of equal length.
        public var sequencer: String

        public init(key: String, size: Int64, etag: String, versionID: String? = nil, sequencer: String) {
            self.key = key
            self.size = size
            self.etag = etag
            self.versionID = versionID
            self.sequencer = sequencer
        }

        enum CodingKeys: String, CodingKey {
            case key, size, etag
            case versionID = "version-id"
            case sequencer
        }
    }

    public var version: String
    public var bucket: EventBucket
    public var object: Object
    public var requestID: String?
    public var requester: String?
    public var sourceIPAddress: String?
    /// `PutObject`, `POST Object`, `CopyObject`, `CompleteMultipartUpload`.
    public var reason: String

    public init(
        version: String = "0", bucket: String, object: Object, requestID: String? = nil, requester: String? = nil,
        sourceIPAddress: String? = nil, reason: String = "PutObject"
    ) {
        self.version = version
        self.bucket = EventBucket(name: bucket)
        self.object = object
        self.requestID = requestID
        self.requester = requester
        self.sourceIPAddress = sourceIPAddress
        self.reason = reason
    }

    enum CodingKeys: String, CodingKey {
        case version, bucket, object
        case requestID = "request-id"
        case requester
        case sourceIPAddress = "source-ip-address"
        case reason
    }
}

/// The detail of `Object Deleted`.
public struct ObjectDeleted: Codable, Sendable, Hashable {
    /// `source` of object events.
    public static let source = "aws.s3"
    /// `detail-type` of this detail.
    public static let detailType = "Object Deleted"

    /// The object that was deleted.
    public struct Object: Codable, Sendable, Hashable {
        public var key: String
        public var etag: String?
        public var versionID: String?
        public var sequencer: String

        public init(key: String, etag: String? = nil, versionID: String? = nil, sequencer: String) {
            self.key = key
            self.etag = etag
            self.versionID = versionID
            self.sequencer = sequencer
        }

        enum CodingKeys: String, CodingKey {
            case key, etag
            case versionID = "version-id"
            case sequencer
        }
    }

    public var version: String
    public var bucket: EventBucket
    public var object: Object
    public var requestID: String?
    public var requester: String?
    public var sourceIPAddress: String?
    /// `DeleteObject` or `Lifecycle Expiration`.
    public var reason: String
    /// `Permanently Deleted` or `Delete Marker Created`.
    public var deletionType: String

    public init(
        version: String = "0", bucket: String, object: Object, requestID: String? = nil, requester: String? = nil,
        sourceIPAddress: String? = nil, reason: String = "DeleteObject", deletionType: String = "Permanently Deleted"
    ) {
        self.version = version
        self.bucket = EventBucket(name: bucket)
        self.object = object
        self.requestID = requestID
        self.requester = requester
        self.sourceIPAddress = sourceIPAddress
        self.reason = reason
        self.deletionType = deletionType
    }

    enum CodingKeys: String, CodingKey {
        case version, bucket, object
        case requestID = "request-id"
        case requester
        case sourceIPAddress = "source-ip-address"
        case reason
        case deletionType = "deletion-type"
    }
}

extension Event where Detail == ObjectCreated {
    /// An `Object Created` event with what is usual for the embedded store.
    public init(
        id: String, account: String = "000000000000", time: Timestamp, region: String = "local", created: ObjectCreated
    ) {
        self.init(
            id: id, detailType: ObjectCreated.detailType, source: ObjectCreated.source, account: account, time: time,
            region: region, resources: ["arn:aws:s3:::\(created.bucket.name)"], detail: created)
    }
}

extension Event where Detail == ObjectDeleted {
    /// An `Object Deleted` event with what is usual for the embedded store.
    public init(
        id: String, account: String = "000000000000", time: Timestamp, region: String = "local", deleted: ObjectDeleted
    ) {
        self.init(
            id: id, detailType: ObjectDeleted.detailType, source: ObjectDeleted.source, account: account, time: time,
            region: region, resources: ["arn:aws:s3:::\(deleted.bucket.name)"], detail: deleted)
    }
}
