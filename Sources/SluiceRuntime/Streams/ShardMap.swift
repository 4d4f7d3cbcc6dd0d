import Crypto

/// Equal ranges of the 128-bit hashes of partition keys, as Kinesis cuts them for a new stream.
struct ShardMap: Sendable, Hashable {
    /// The first hash of each shard.
    let starts: [UInt128]

    init(count: Int) {
        let shards = UInt128(max(1, count))
        starts = (0..<max(1, count)).map { index in
            index == 0 ? 0 : shards.dividingFullWidth((high: UInt128(index), low: 0)).quotient
        }
    }

    /// The index of the shard that a hash belongs to.
    func index(of hash: UInt128) -> Int {
        // Off by one at most, where a range does not begin at a whole number.
        let guess = Int(hash.multipliedFullWidth(by: UInt128(starts.count)).high)
        return guess + 1 < starts.count && hash >= starts[guess + 1] ? guess + 1 : guess
    }

    /// The hashes of a shard, both ends included.
    func range(of index: Int) -> ClosedRange<UInt128> {
        starts[index]...(index + 1 < starts.count ? starts[index + 1] - 1 : .max)
    }

    /// The MD5 of a partition key as a number, which is how Kinesis spreads keys over shards.
    static func hash(of partitionKey: String) -> UInt128 {
        var key = partitionKey
        return key.withUTF8 { bytes in
            Insecure.MD5.hash(data: UnsafeRawBufferPointer(bytes)).reduce(0) { $0 << 8 | UInt128($1) }
        }
    }
}
