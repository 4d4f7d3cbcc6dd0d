package import AppConfig
package import Journal

/// A stream as it is deployed, with the shards that it has had.
package struct StreamSettings: Codable, Sendable, Hashable {
    /// The shards between two changes of their number, numbered on from those before.
    package struct Generation: Codable, Sendable, Hashable {
        package var firstShard: Int
        package var shards: Int
        /// The deployment that opened them.
        package var ruleSet: Int64

        package init(firstShard: Int, shards: Int, ruleSet: Int64) {
            self.firstShard = firstShard
            self.shards = shards
            self.ruleSet = ruleSet
        }
    }

    package var name: String
    package var retentionHours: Int
    /// When it was first deployed.
    package var created: Milliseconds
    /// Oldest first; the last one takes records.
    package var generations: [Generation]
    /// The app no longer has it: nothing can be put, and what is there can be read.
    package var isRemoved: Bool?

    package var retention: Milliseconds { Int64(retentionHours) * 3_600_000 }

    /// The streams of a new deployment, given those of the one before: a pure step. Shards keep their numbers for ever,
    /// also those of a stream that goes and comes back.
    package static func plan(
        _ definitions: [StreamDefinition], over before: [StreamSettings], ruleSet: Int64, now: Milliseconds
    ) -> [StreamSettings] {
        var streams: [String: StreamSettings] = [:]
        for var old in before {
            old.isRemoved = true
            streams[old.name] = old
        }
        for definition in definitions {
            var stream =
                streams[definition.name]
                ?? StreamSettings(
                    name: definition.name, retentionHours: definition.retentionHours, created: now, generations: [])
            stream.isRemoved = nil
            stream.retentionHours = definition.retentionHours
            let last = stream.generations.last
            if last?.shards != definition.shards {
                stream.generations.append(
                    Generation(
                        firstShard: last.map { $0.firstShard + $0.shards } ?? 0, shards: definition.shards,
                        ruleSet: ruleSet))
            }
            streams[definition.name] = stream
        }
        return streams.values.sorted { $0.name < $1.name }
    }
}

/// Where the records of a stream go by one deployment.
struct StreamRoute: Sendable {
    var generations: [StreamSettings.Generation]
    private var maps: [ShardMap]
    /// Of the rules that take every record.
    var everything: [SubscriptionID] = []

    init(_ settings: StreamSettings) {
        generations = settings.generations
        maps = settings.generations.map { ShardMap(count: $0.shards) }
    }

    /// The number of the open shard for a hash.
    func shard(for hash: UInt128) -> Int {
        guard let open = generations.last, let map = maps.last else { return 0 }
        return open.firstShard + map.index(of: hash)
    }

    /// The open shard for a record that was made for another one, which a deployment has closed meanwhile.
    func shard(for partitionKey: String, before old: Int) -> Int {
        let hash = ShardMap.hash(of: partitionKey)
        let index = generations.lastIndex { $0.firstShard <= old && old < $0.firstShard + $0.shards }
        guard let index else { return shard(for: hash) }
        let range = maps[index].range(of: old - generations[index].firstShard)
        // It was there because of an explicit hash key, which is not kept: the range tells about where.
        return shard(for: range.contains(hash) ? hash : range.lowerBound)
    }
}
