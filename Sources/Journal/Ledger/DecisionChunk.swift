/// The match decisions of one commit's appends: who wanted which record, and under which ordinals.
///
/// One narrow row a commit instead of one a record: a recovery or a search for waiting records reads some bytes a
/// record. Layout (varints, see `ByteWriter`): version 1; record count; subscriptions, each (id, first ordinal, count);
/// logs; the log's index of each record if there are several; then for each record 0 ("the same subscriptions as the
/// record before") or k + 1 and k indexes. Ordinals follow from the order.
package struct DecisionChunk: Sendable {
    /// A subscription that wants records of the chunk.
    package struct Member: Sendable {
        package var subscription: SubscriptionID
        package var firstOrdinal: Int64
        package var count: Int64
    }

    /// One record's decision, with indexes into `members`.
    package struct Entry: Sendable {
        package var position: Position
        package var log: Int64
        package var deliveries: [Delivery]
    }

    static let version: UInt64 = 1
    /// No position and no ordinal comes to this: larger ones are damage, and sums of them would overflow.
    private static let beyond: Int64 = 1 << 62

    package let first: Position
    package let count: Int
    package let members: [Member]
    package let logs: [Int64]
    private let logIndexes: [Int]
    private let bytes: [UInt8]
    private let start: ByteReader

    package var last: Position { first + Int64(count) - 1 }

    package init(first: Position, decoding bytes: [UInt8]) throws(MalformedBlob) {
        var reader = ByteReader(bytes, what: "decision chunk")
        guard try reader.varint() == Self.version else { throw reader.malformed }
        self.first = first
        count = try reader.count()
        // Each takes at least a byte: larger counts are damage, not data.
        let memberCount = try reader.count()
        guard (1...bytes.count).contains(count), memberCount <= bytes.count, (0..<Self.beyond).contains(first) else {
            throw reader.malformed
        }
        var members: [Member] = []
        members.reserveCapacity(memberCount)
        for _ in 0..<memberCount {
            let member = Member(
                subscription: SubscriptionID(Int64(try reader.count())), firstOrdinal: Int64(try reader.count()),
                count: Int64(try reader.count()))
            // A subscription is here because it wanted a record, and wants each once.
            guard member.firstOrdinal < Self.beyond, (1...Int64(count)).contains(member.count) else {
                throw reader.malformed
            }
            members.append(member)
        }
        let logCount = try reader.count()
        guard logCount >= 1, logCount <= bytes.count else { throw reader.malformed }
        var logs: [Int64] = []
        for _ in 0..<logCount { logs.append(Int64(try reader.count())) }
        var logIndexes: [Int] = []
        if logCount > 1 {
            logIndexes.reserveCapacity(count)
            for _ in 0..<count {
                let index = try reader.count()
                guard index < logCount else { throw reader.malformed }
                logIndexes.append(index)
            }
        }
        self.members = members
        self.logs = logs
        self.logIndexes = logIndexes
        self.bytes = bytes
        start = reader
    }

    func log(at index: Int) -> Int64 { logs[logIndexes.isEmpty ? 0 : logIndexes[index]] }

    /// The records that one subscription wanted, in order.
    package func matches(of subscription: SubscriptionID) throws(MalformedBlob) -> [(
        position: Position, ordinal: Int64
    )] {
        guard let wanted = members.firstIndex(where: { $0.subscription == subscription }) else { return [] }
        var result: [(position: Position, ordinal: Int64)] = []
        result.reserveCapacity(Int(clamping: min(members[wanted].count, Int64(count))))
        var ordinal = members[wanted].firstOrdinal
        var reader = start
        var isMatch = false
        for index in 0..<count {
            let code = try reader.count()
            if code > 0 {
                guard code - 1 <= members.count else { throw reader.malformed }
                isMatch = false
                for _ in 0..<(code - 1) where try reader.count() == wanted { isMatch = true }
            }
            if isMatch {
                result.append((first + Int64(index), ordinal))
                ordinal += 1
            }
        }
        guard ordinal == members[wanted].firstOrdinal + members[wanted].count else { throw reader.malformed }
        return result
    }

    /// Every record with all its deliveries, in order.
    package func entries() throws(MalformedBlob) -> [Entry] {
        var next = members.map(\.firstOrdinal)
        var current: [Int] = []
        var reader = start
        var result: [Entry] = []
        result.reserveCapacity(count)
        for index in 0..<count {
            let code = try reader.count()
            if code > 0 {
                guard code - 1 <= members.count else { throw reader.malformed }
                current.removeAll(keepingCapacity: true)
                for _ in 0..<(code - 1) {
                    let member = try reader.count()
                    guard member < members.count else { throw reader.malformed }
                    current.append(member)
                }
            }
            let position = first + Int64(index)
            var deliveries: [Delivery] = []
            deliveries.reserveCapacity(current.count)
            for member in current {
                deliveries.append(
                    Delivery(subscription: members[member].subscription, position: position, ordinal: next[member]))
                next[member] += 1
            }
            result.append(Entry(position: position, log: log(at: index), deliveries: deliveries))
        }
        for (member, next) in zip(members, next) where next != member.firstOrdinal + member.count {
            throw reader.malformed
        }
        guard reader.isAtEnd else { throw reader.malformed }
        return result
    }
}

/// Collects the appends of a transaction into a `DecisionChunk` and the hashes of their event ids.
package struct DecisionChunkBuilder {
    package private(set) var count = 0
    /// Four bytes a record, little-endian: `EventIDHash`.
    private(set) var hashes = ByteWriter()
    private(set) var members: [DecisionChunk.Member] = []
    private var indexes: [SubscriptionID: Int] = [:]
    private var logs: [Int64] = []
    private var logIndexes: [Int] = []
    private var codes = ByteWriter()
    private var current: [SubscriptionID] = []
    private var currentIndexes: [Int] = []

    package init() {}

    package mutating func add(
        log: Int64, subscriptions: [SubscriptionID], deliveries: some Collection<Delivery>, idHash: UInt32
    ) {
        count += 1
        hashes.fixed(idHash)
        if let known = logs.lastIndex(of: log) {
            logIndexes.append(known)
        } else {
            logs.append(log)
            logIndexes.append(logs.count - 1)
        }
        if subscriptions == current {
            codes.varint(0)
        } else {
            current = subscriptions
            currentIndexes.removeAll(keepingCapacity: true)
            codes.varint(deliveries.count + 1)
            for delivery in deliveries {
                let index: Int
                if let known = indexes[delivery.subscription] {
                    index = known
                } else {
                    index = members.count
                    indexes[delivery.subscription] = index
                    members.append(
                        .init(subscription: delivery.subscription, firstOrdinal: delivery.ordinal, count: 0))
                }
                codes.varint(index)
                currentIndexes.append(index)
            }
        }
        for index in currentIndexes { members[index].count += 1 }
    }

    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.varint(DecisionChunk.version)
        writer.varint(count)
        writer.varint(members.count)
        for member in members {
            writer.varint(UInt64(bitPattern: member.subscription.value))
            writer.varint(UInt64(bitPattern: member.firstOrdinal))
            writer.varint(UInt64(bitPattern: member.count))
        }
        writer.varint(logs.count)
        for log in logs { writer.varint(UInt64(bitPattern: log)) }
        if logs.count > 1 { for index in logIndexes { writer.varint(index) } }
        writer.raw(codes.bytes)
        return writer.bytes
    }
}

/// 32 bits of an event id: kept beside the decisions, it finds an event without an index on the log, whose random
/// inserts would cost more than the events themselves.
enum EventIDHash {
    /// FNV-1a (64 bits) folded to 32.
    static func hash(_ id: String) -> UInt32 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in id.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
    }
}
