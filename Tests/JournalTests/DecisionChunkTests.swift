import Journal
import Testing

@Suite("Decision chunks and mounts")
struct DecisionChunkTests {
    @Test("What goes in comes out, for every subscription and record", arguments: [1, 2, 3] as [UInt64])
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var builder = DecisionChunkBuilder()
        var next: [Int64: Int64] = [3: 1, 9: 500, 1_000_000: 7, 12: 1]
        var expected: [[Delivery]] = []
        var logs: [Int64] = []
        var wanted: [Int64] = []
        for index in 0..<500 {
            // Long stretches of the same, as in a real log.
            if Int.random(in: 0..<5, using: &random) == 0 {
                wanted = next.keys.sorted().filter { _ in Bool.random(using: &random) }
            }
            let deliveries = wanted.map { id -> Delivery in
                defer { next[id, default: 0] += 1 }
                return Delivery(id, 100 + Int64(index), next[id] ?? 0)
            }
            logs.append(Int64.random(in: 1...3, using: &random))
            expected.append(deliveries)
            builder.add(
                log: logs[index], subscriptions: wanted.map { SubscriptionID($0) }, deliveries: deliveries, idHash: 1)
        }
        let chunk = try DecisionChunk(first: 100, decoding: builder.encoded())
        #expect((chunk.first, chunk.last, chunk.count) == (100, 599, 500))
        let entries = try chunk.entries()
        #expect(entries.map(\.deliveries) == expected)
        #expect(entries.map(\.log) == logs)
        for id in next.keys {
            let mine = expected.flatMap { $0 }.filter { $0.subscription.value == id }
            let found = try chunk.matches(of: SubscriptionID(id))
            #expect(found.map(\.position) == mine.map(\.position))
            #expect(found.map(\.ordinal) == mine.map(\.ordinal))
        }
        #expect(try chunk.matches(of: SubscriptionID(5)).isEmpty)
    }

    @Test("A thousand records with the same hundred subscriptions cost about a byte each")
    func size() throws {
        var builder = DecisionChunkBuilder()
        let ids = (1...100).map { SubscriptionID($0) }
        for position in 1...1_000 as ClosedRange<Int64> {
            builder.add(
                log: 1, subscriptions: ids,
                deliveries: ids.map { Delivery(subscription: $0, position: position, ordinal: position) }, idHash: 0)
        }
        #expect(builder.encoded().count < 2_000)
    }

    @Test("A damaged chunk is an error or other decisions, never a crash")
    func damaged() throws {
        var builder = DecisionChunkBuilder()
        for index in 0..<50 as Range<Int64> {
            builder.add(
                log: index % 2, subscriptions: [SubscriptionID(index % 3)],
                deliveries: [Delivery(index % 3, index, index / 3)],
                idHash: 0)
        }
        let good = builder.encoded()
        var random = SeededGenerator(seed: 3)
        for _ in 0..<3_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0...bytes.count, using: &random)) }
            guard let chunk = try? DecisionChunk(first: 1, decoding: bytes) else { continue }
            _ = try? chunk.entries()
            _ = try? chunk.matches(of: SubscriptionID(1))
        }
    }

    @Test("Every byte of a chunk may have any value, and numbers any length: sums and ranges of what is read are sound")
    func everyByte() throws {
        var builder = DecisionChunkBuilder()
        for index in 0..<3 as Range<Int64> {
            builder.add(
                log: 1, subscriptions: [1, 2].map { SubscriptionID($0) },
                deliveries: [Delivery(1, index, 1 + index), Delivery(2, index, 9 + index)], idHash: 0)
        }
        let good = builder.encoded()
        let huge: [UInt8] = Array(repeating: 0xFF, count: 8) + [0x7F]
        for place in good.indices {
            let values = (0...UInt8.max).map { [$0] } + [huge]
            for value in values {
                let bytes = Array(good[..<place]) + value + good[(place + 1)...]
                guard let chunk = try? DecisionChunk(first: 1, decoding: bytes) else { continue }
                #expect(chunk.last >= chunk.first)
                for member in chunk.members {
                    #expect(member.firstOrdinal...(member.firstOrdinal + member.count - 1) != 0...0)
                    _ = try? chunk.matches(of: member.subscription)
                }
                _ = try? chunk.entries()
            }
        }
        for first in [Int64.max, -1, .min] {
            #expect(throws: MalformedBlob.self) { try DecisionChunk(first: first, decoding: good) }
        }
    }

    @Test("The file system of a path is that of the longest mount above it")
    func mounts() {
        let table = MountTable(
            mountinfo: """
                22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
                30 22 0:40 / /mnt/share rw shared:9 master:2 - nfs4 server:/x rw,vers=4.2
                31 30 0:41 / /mnt/share/with\\040space rw - tmpfs tmpfs rw
                32 22 0:42 / /mnt/over rw - ext4 /dev/b rw
                33 32 0:43 / /mnt/over rw - fuse.sshfs host: rw
                nonsense
                """)
        #expect(table.type(of: "/home/x") == "ext4")
        #expect(table.type(of: "/mnt/share/data") == "nfs4")
        #expect(table.type(of: "/mnt/shareholder") == "ext4")
        #expect(table.type(of: "/mnt/share/with space/data") == "tmpfs")
        #expect(table.type(of: "/mnt/over") == "fuse.sshfs")
        #expect(MountTable(mountinfo: "").type(of: "/") == nil)
        for type in ["nfs4", "cifs", "fuse.sshfs", "fuseblk", "9p", "virtiofs", "ceph"] {
            #expect(MountTable.unsuitable(type) != nil)
        }
        for type in ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay"] { #expect(MountTable.unsuitable(type) == nil) }
    }
}
