import FunctionProtocol

/// Where an object is, or shall be.
public struct ObjectLocation: Sendable, Hashable, Codable, CustomStringConvertible {
    public var bucket: String
    public var key: String

    public init(bucket: String, key: String) {
        self.bucket = bucket
        self.key = key
    }

    /// `bucket/key`
    public var description: String { "\(bucket)/\(key)" }
}

/// What is known of an object without reading it.
public struct ObjectInfo: Sendable, Hashable {
    public var bucket: String
    public var key: String
    /// Bytes.
    public var size: Int64
    public var etag: String
    /// Orders the versions of one key: compare as strings of equal length.
    public var sequencer: String
    public var lastModified: Timestamp

    public init(
        bucket: String, key: String, size: Int64, etag: String, sequencer: String, lastModified: Timestamp
    ) {
        self.bucket = bucket
        self.key = key
        self.size = size
        self.etag = etag
        self.sequencer = sequencer
        self.lastModified = lastModified
    }

    public var location: ObjectLocation { ObjectLocation(bucket: bucket, key: key) }
}

extension ObjectInfo {
    init(_ description: ObjectDescription) throws(HostRefusal) {
        guard let lastModified = Timestamp(rfc3339: description.lastModified) else {
            throw HostRefusal(
                code: .malformedReply,
                message: "the host says that \(description.key) was modified at \"\(description.lastModified)\"")
        }
        self.init(
            bucket: description.bucket, key: description.key, size: description.size, etag: description.etag,
            sequencer: description.sequencer, lastModified: lastModified)
    }
}

extension ObjectAddress {
    init(_ location: ObjectLocation) { self.init(bucket: location.bucket, key: location.key) }
}
