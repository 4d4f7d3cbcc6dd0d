import EventModel

/// `streams list` and `streams show`: a stream of sluice.yaml and where it stands.
package struct StreamInfo: Codable, Sendable, Hashable {
    /// An open shard takes new records; a closed one is what a change of the number of shards has left behind.
    package struct Shard: Codable, Sendable, Hashable {
        /// `shardId-000000000000`
        package var id: String
        /// Shards whose keys it took over.
        package var parents: [String]
        /// The range of the MD5 of the partition keys, both ends included, as decimal numbers of 128 bits.
        package var startingHashKey: String
        package var endingHashKey: String
        /// No record of the shard has a lower one.
        package var startingSequenceNumber: String
        /// No record of the shard has a higher one; nil while it is open.
        package var endingSequenceNumber: String?

        package init(
            id: String, parents: [String], startingHashKey: String, endingHashKey: String,
            startingSequenceNumber: String, endingSequenceNumber: String?
        ) {
            self.id = id
            self.parents = parents
            self.startingHashKey = startingHashKey
            self.endingHashKey = endingHashKey
            self.startingSequenceNumber = startingSequenceNumber
            self.endingSequenceNumber = endingSequenceNumber
        }

        package var isOpen: Bool { endingSequenceNumber == nil }
    }

    /// A target of a rule on the stream: what Lambda calls an event source mapping.
    package struct Consumer: Codable, Sendable, Hashable {
        package var rule: String
        package var target: String
        package var function: String
        /// Records that are not settled: waiting, in flight or to be tried again.
        package var waiting: Int64
        package var dead: Int64
        /// Since the arrival of its oldest unsettled record; nil where there is none. Lambda's `IteratorAge`.
        package var iteratorAgeMilliseconds: Int64?

        package init(
            rule: String, target: String, function: String, waiting: Int64, dead: Int64,
            iteratorAgeMilliseconds: Int64?
        ) {
            self.rule = rule
            self.target = target
            self.function = function
            self.waiting = waiting
            self.dead = dead
            self.iteratorAgeMilliseconds = iteratorAgeMilliseconds
        }
    }

    package var name: String
    package var arn: String
    /// When it was first deployed.
    package var created: APITime
    /// For how long its records can be read.
    package var retentionHours: Int
    /// Open ones and, oldest first before them, closed ones.
    package var shards: [Shard]
    package var consumers: [Consumer]
    /// Of the newest record; nil where there is none.
    package var newestSequenceNumber: String?

    package init(
        name: String, arn: String, created: APITime, retentionHours: Int, shards: [Shard], consumers: [Consumer],
        newestSequenceNumber: String?
    ) {
        self.name = name
        self.arn = arn
        self.created = created
        self.retentionHours = retentionHours
        self.shards = shards
        self.consumers = consumers
        self.newestSequenceNumber = newestSequenceNumber
    }

    package var openShards: Int { shards.count(where: \.isOpen) }
}

/// `streams put`: up to 500 records, all of them accepted or none.
package struct RecordSubmission: Codable, Sendable {
    package static let maximumRecords = PutRecordsEntry.maximumRecords
    /// Bytes of data and keys of one submission.
    package static let maximumBytes = PutRecordsEntry.maximumBytes

    /// A record to put.
    package struct Entry: Codable, Sendable, Hashable {
        package static let maximumDataBytes = PutRecordsEntry.maximumDataBytes
        package static let maximumKeyCharacters = PutRecordsEntry.maximumKeyCharacters

        /// 1 to 256 characters; records of one key keep their order.
        package var partitionKey: String
        /// A decimal number below 2^128 that chooses the shard instead of the partition key's MD5.
        package var explicitHashKey: String?
        /// Base64 of at most a mebibyte.
        package var data: String

        package init(partitionKey: String, explicitHashKey: String? = nil, data: String) {
            self.partitionKey = partitionKey
            self.explicitHashKey = explicitHashKey
            self.data = data
        }
    }

    package var records: [Entry]

    package init(records: [Entry]) {
        self.records = records
    }
}

/// What became of a submission, in its order: all of it is durable.
package struct RecordReceipt: Codable, Sendable {
    /// Where one record is.
    package struct Result: Codable, Sendable, Hashable {
        package var shardID: String
        package var sequenceNumber: String

        package init(shardID: String, sequenceNumber: String) {
            self.shardID = shardID
            self.sequenceNumber = sequenceNumber
        }
    }

    package var results: [Result]

    package init(results: [Result]) {
        self.results = results
    }
}

/// Where reading begins, in Kinesis' words.
package enum StreamStart: Sendable, Hashable {
    /// With the oldest record within the retention.
    case trimHorizon
    /// With what comes from now on.
    case latest
    case atSequenceNumber(String)
    case afterSequenceNumber(String)
    /// With the first record that arrived then or later.
    case atTimestamp(APITime)
}

/// A place in a stream: what `streamRecords` goes on after.
package struct StreamPosition: Codable, Sendable, Hashable {
    package var after: Int64

    package init(after: Int64) {
        self.after = after
    }
}

/// Chooses records of a stream.
package struct StreamQuery: Sendable, Hashable {
    package static let maximumRecords = 10_000
    /// Bytes of data in one page, about.
    package static let maximumBytes = 10 << 20

    package var stream: String
    /// Nil: of all shards.
    package var shard: String?
    /// See `StreamPosition`.
    package var after: Int64
    package var limit: Int

    package init(stream: String, shard: String? = nil, after: Int64, limit: Int = StreamQuery.maximumRecords) {
        self.stream = stream
        self.shard = shard
        self.after = after
        self.limit = limit
    }
}

/// Records of a stream, in their order; as few as none where others lie between them.
package struct StreamPage: Codable, Sendable {
    package struct Record: Codable, Sendable, Hashable {
        package var shardID: String
        package var sequenceNumber: String
        package var partitionKey: String
        package var arrived: APITime
        /// Base64.
        package var data: String

        package init(
            shardID: String, sequenceNumber: String, partitionKey: String, arrived: APITime, data: String
        ) {
            self.shardID = shardID
            self.sequenceNumber = sequenceNumber
            self.partitionKey = partitionKey
            self.arrived = arrived
            self.data = data
        }
    }

    package var records: [Record]
    /// Where to go on.
    package var next: StreamPosition
    /// How far behind the newest record of the stream that is; 0 at the end.
    package var behindMilliseconds: Int64
    /// The shard is closed and has been read to its end.
    package var isEnd: Bool

    package init(records: [Record], next: StreamPosition, behindMilliseconds: Int64, isEnd: Bool) {
        self.records = records
        self.next = next
        self.behindMilliseconds = behindMilliseconds
        self.isEnd = isEnd
    }
}
