/// One record for a stream, with Kinesis' limits
/// (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html).
package struct PutRecordsEntry: Sendable, Hashable {
    /// Records in one call.
    package static let maximumRecords = 500
    /// Bytes of data and keys in one call.
    package static let maximumBytes = 5 << 20
    package static let maximumDataBytes = 1 << 20
    package static let maximumKeyCharacters = 256

    package var partitionKey: String
    package var explicitHashKey: String?
    /// Base64.
    package var data: String

    package init(partitionKey: String, explicitHashKey: String? = nil, data: String) {
        self.partitionKey = partitionKey
        self.explicitHashKey = explicitHashKey
        self.data = data
    }

    /// Why a record is refused; `field` is in Kinesis' spelling.
    package struct Refusal: Error, Sendable, Hashable {
        package var field: String
        package var message: String
    }

    /// What is known of a valid record.
    package struct Valid: Sendable, Hashable {
        package var explicitHash: UInt128?
        /// Bytes that count against the limit of a call.
        package var byteCount: Int
    }

    package func validate() throws(Refusal) -> Valid {
        let keyBytes = partitionKey.utf8.count
        // No text has more characters than bytes.
        guard keyBytes > 0,
            keyBytes <= Self.maximumKeyCharacters || partitionKey.unicodeScalars.count <= Self.maximumKeyCharacters
        else {
            throw Refusal(
                field: "PartitionKey",
                message: keyBytes == 0
                    ? "the partition key is empty; it has 1 to \(Self.maximumKeyCharacters) characters"
                    : "the partition key has \(partitionKey.unicodeScalars.count) characters, and may have "
                        + "\(Self.maximumKeyCharacters)")
        }
        var hash: UInt128?
        if let text = explicitHashKey {
            let isNumber = text == "0" || (text.utf8.allSatisfy { (0x30...0x39).contains($0) } && !text.hasPrefix("0"))
            guard isNumber, let number = UInt128(text) else {
                throw Refusal(
                    field: "ExplicitHashKey",
                    message:
                        "the explicit hash key is a decimal number from 0 to \(UInt128.max), not `\(text.prefix(60))`")
            }
            hash = number
        }
        guard let count = Base64.decodedCount(of: data.utf8) else {
            throw Refusal(field: "Data", message: "the data is no base64 text (RFC 4648, padded)")
        }
        guard count <= Self.maximumDataBytes else {
            throw Refusal(
                field: "Data", message: "the data has \(count) bytes, and a record at most \(Self.maximumDataBytes)")
        }
        return Valid(explicitHash: hash, byteCount: count + keyBytes)
    }
}
