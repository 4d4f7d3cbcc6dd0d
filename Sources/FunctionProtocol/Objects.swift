// Requests and replies of the object calls (CFunctionABI/sluice_wire.h, SLUICE_CALL_*), as JSON on the control socket.
// Bulk data never passes here: objects come and go as descriptors beside the frame.

/// Where an object is, or shall be.
package struct ObjectAddress: Codable, Sendable, Hashable {
    package var bucket: String
    package var key: String

    package init(bucket: String, key: String) {
        self.bucket = bucket
        self.key = key
    }

    /// Keys are bytes, as names of files are: `é` written as one character and as two are two objects, which `String`
    /// calls equal.
    package static func == (left: ObjectAddress, right: ObjectAddress) -> Bool {
        left.bucket == right.bucket && left.key.utf8.elementsEqual(right.key.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(bucket)
        var key = key
        key.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

/// What is known of an object. Sizes in bytes, times as RFC 3339 in UTC.
package struct ObjectDescription: Codable, Sendable, Hashable {
    package var bucket: String
    package var key: String
    package var size: Int64
    package var etag: String
    /// Orders the versions of one key: compare as strings of equal length.
    package var sequencer: String
    package var lastModified: String

    package init(bucket: String, key: String, size: Int64, etag: String, sequencer: String, lastModified: String) {
        self.bucket = bucket
        self.key = key
        self.size = size
        self.etag = etag
        self.sequencer = sequencer
        self.lastModified = lastModified
    }
}

/// OPEN_OBJECT: reply `ObjectDescription` and a descriptor open for reading. HEAD_OBJECT: reply `ObjectDescription`.
package struct ObjectRequest: Codable, Sendable {
    package var bucket: String
    package var key: String
    /// The record of a batch that asks, by index.
    package var record: Int?

    package init(bucket: String, key: String, record: Int? = nil) {
        self.bucket = bucket
        self.key = key
        self.record = record
    }
}

/// LIST_OBJECTS: up to `limit` (at most 1,000) objects in key order after the key `after`.
package struct ListRequest: Codable, Sendable {
    package var bucket: String
    package var prefix: String
    package var after: String?
    package var limit: Int

    package init(bucket: String, prefix: String, after: String? = nil, limit: Int = 1000) {
        self.bucket = bucket
        self.prefix = prefix
        self.after = after
        self.limit = limit
    }
}

/// Answer to LIST_OBJECTS: one page.
package struct ListReply: Codable, Sendable {
    package var objects: [ObjectDescription]
    /// Pass as `after` for the next page; nil at the end.
    package var next: String?

    package init(objects: [ObjectDescription], next: String?) {
        self.objects = objects
        self.next = next
    }
}

/// CREATE_STAGE: a new staged file in `bucket`; reply `StageReply` and a descriptor open for reading and writing.
package struct StageRequest: Codable, Sendable {
    package var bucket: String
    package var record: Int?

    package init(bucket: String, record: Int? = nil) {
        self.bucket = bucket
        self.record = record
    }
}

/// Answer to CREATE_STAGE; the file itself comes as a descriptor.
package struct StageReply: Codable, Sendable {
    /// Unique within the attempt.
    package var stage: Int

    package init(stage: Int) {
        self.stage = stage
    }
}

/// PUT_STAGED: the staged file shall become this object when the invocation succeeds. All its descriptors must be
/// closed by then. DISCARD_STAGE takes the same request without a key. Empty reply `{}`.
package struct PutStagedRequest: Codable, Sendable {
    package var stage: Int
    package var key: String?
    /// Replace what is there. Without it an existing object fails the attempt with `KeyExists`.
    package var overwrite: Bool
    package var record: Int?

    package init(stage: Int, key: String?, overwrite: Bool = false, record: Int? = nil) {
        self.stage = stage
        self.key = key
        self.overwrite = overwrite
        self.record = record
    }
}

/// COPY_OBJECT and MOVE_OBJECT: staged like a put; a move also deletes the source. Empty reply.
package struct TransferRequest: Codable, Sendable {
    package var source: ObjectAddress
    package var destination: ObjectAddress
    package var overwrite: Bool
    package var record: Int?

    package init(source: ObjectAddress, destination: ObjectAddress, overwrite: Bool = false, record: Int? = nil) {
        self.source = source
        self.destination = destination
        self.overwrite = overwrite
        self.record = record
    }
}

/// GENERATE_KEY: a key `<prefix><hash><suffix>` whose hash depends on event, subscription and how many were asked
/// for the same record before in this attempt, so that a later attempt or a replay of the same event, in whatever
/// batch, gets the same keys and replaces its own output. Without a record, the events of the whole batch stand for the
/// event. Reply `GeneratedKey`.
package struct GenerateKeyRequest: Codable, Sendable {
    package var bucket: String
    package var prefix: String
    package var suffix: String
    package var record: Int?

    package init(bucket: String, prefix: String, suffix: String, record: Int? = nil) {
        self.bucket = bucket
        self.prefix = prefix
        self.suffix = suffix
        self.record = record
    }
}

/// Answer to GENERATE_KEY.
package struct GeneratedKey: Codable, Sendable {
    package var key: String

    package init(key: String) {
        self.key = key
    }
}
