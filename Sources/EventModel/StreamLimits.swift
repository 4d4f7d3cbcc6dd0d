/// What a record must be like for a stream to take it, whichever way it comes: Kinesis' limits
/// (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html).
package enum StreamLimits {
    /// Records of one call.
    package static let mostRecords = 500
    /// Bytes of a record's data.
    package static let mostDataBytes = 1 << 20
    package static let mostKeyCharacters = 256

    /// Why a record is refused; nil: it is not. `data` is base64.
    package static func refusal(partitionKey: String, explicitHashKey: String?, data: some Collection<UInt8>) -> String?
    {
        let characters = partitionKey.unicodeScalars.count
        guard (1...mostKeyCharacters).contains(characters) else {
            return "the partition key has \(characters) characters; it must have 1 to \(mostKeyCharacters)"
        }
        if let explicitHashKey, hashKey(explicitHashKey) == nil {
            return "the explicit hash key \"\(explicitHashKey.prefix(60))\" is no decimal number from 0 to 2^128 - 1"
        }
        guard let bytes = Base64.decodedCount(of: data) else { return "the data is no base64" }
        guard bytes <= mostDataBytes else {
            return "the data has \(bytes) bytes; a record takes up to \(mostDataBytes)"
        }
        return nil
    }

    /// The number that an explicit hash key is; nil for a text that is none.
    package static func hashKey(_ text: String) -> UInt128? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text == "0" || text.utf8.first != 0x30 else {
            return nil
        }
        return UInt128(text)
    }
}
