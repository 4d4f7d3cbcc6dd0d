/// Sequence numbers and shard names of streams, in Kinesis' form
/// (https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html).
package enum StreamSequence {
    /// Digits of a sequence number.
    package static let digits = 56
    /// What every sequence number begins with: none has a zero in front, and all are equally long, so that they compare
    /// as texts and as numbers.
    private static let head = "49"

    /// The sequence number of the record at a position of the journal.
    package static func text(of position: Int64) -> String {
        padded(head, position.magnitude, to: digits)
    }

    /// A head and a number with zeros between, so that all of it has so many characters: every record has two of those.
    private static func padded(_ head: String, _ number: UInt64, to count: Int) -> String {
        String(unsafeUninitializedCapacity: count) { output in
            var rest = number
            for index in stride(from: count - 1, through: 0, by: -1) {
                output[index] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
            for (index, byte) in head.utf8.enumerated() { output[index] = byte }
            return count
        }
    }

    /// The position that a sequence number stands for; nil for a text that is no sequence number of ours. `0` is before
    /// the first record.
    package static func position(of text: String) -> Int64? {
        if text == "0" { return 0 }
        guard text.utf8.count == digits, text.hasPrefix(head), text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return Int64(text.dropFirst(head.utf8.count))
    }

    /// The position of the record that a sequence number, alone or behind its shard and a colon, stands for; nil for a
    /// text that is neither.
    package static func ofRecord(_ id: String) -> Int64? {
        let parts = id.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, shardNumber(String(parts[0])) == nil { return nil }
        return parts.last.flatMap { $0 == "0" ? nil : position(of: String($0)) }
    }

    /// The name of the shard with a number from 0.
    package static func shardID(_ number: Int) -> String {
        padded(shardHead, UInt64(number.magnitude), to: shardHead.utf8.count + 12)
    }

    package static let shardHead = "shardId-"

    /// The number of a shard; nil for a text that names none.
    package static func shardNumber(_ id: String) -> Int? {
        guard id.hasPrefix(shardHead), id.utf8.count == shardHead.utf8.count + 12,
            id.utf8.dropFirst(shardHead.utf8.count).allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return Int(id.dropFirst(shardHead.utf8.count))
    }
}
