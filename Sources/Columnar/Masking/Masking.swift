/// Which columns of a file lose their values, and how.
public struct Masking: Sendable {
    /// What becomes of a value. Nulls stay null.
    public enum Action: Sendable {
        /// `***`.
        case redact
        /// Letters and digits but the last four become `*`; separators stay. Of up to four nothing is kept.
        case keepLastFour
        /// A digest, such as SHA-256 of the module ColumnarHashing.
        case hash(MaskHash)
    }

    /// By column name. A column that the file lacks is an error: a misspelt name must not let values through.
    public var columns: [String: Action]
    /// For every further column of which at least a fifth of the values looks like one kind of `PersonalData`; nil:
    /// none.
    ///
    /// The first records (half a megabyte) decide first. All others are looked at too: a column that turns out to need
    /// a mask makes the conversion begin again, so that the input must be readable twice; what looks so in columns with
    /// less is in the report (`unmasked`).
    public var automatic: Action?

    public init(columns: [String: Action] = [:], automatic: Action? = nil) {
        self.columns = columns
        self.automatic = automatic
    }
}

/// A digest of values, from a library of the caller's choice.
public struct MaskHash: Sendable {
    /// For reports, such as `sha256`.
    public let name: String
    let digest: @Sendable (_ value: UnsafeRawBufferPointer, _ text: inout [UInt8]) -> Void

    /// - Parameter digest: appends the digest of a value, as text.
    public init(
        name: String, digest: @escaping @Sendable (_ value: UnsafeRawBufferPointer, _ text: inout [UInt8]) -> Void
    ) {
        self.name = name
        self.digest = digest
    }
}

extension Masking.Action {
    /// For reports: `redact`, `last4`, `sha256`.
    public var name: String {
        switch self {
        case .redact: "redact"
        case .keepLastFour: "last4"
        case .hash(let hash): hash.name
        }
    }

    /// An action by its word; fails with `InvalidRule` for one that is not known.
    /// - Parameter hash: what `sha256` is.
    public init(word: String, hash: MaskHash) throws(ColumnarError) {
        switch word {
        case "redact": self = .redact
        case "last4": self = .keepLastFour
        case hash.name: self = .hash(hash)
        default:
            throw ColumnarError(
                .invalidRule, "The mask \"\(word)\" is not known; there are redact, last4 and \(hash.name).")
        }
    }

    /// Appends what stands for a value.
    func apply(_ value: UnsafeBufferPointer<UInt8>, to text: inout [UInt8]) {
        switch self {
        case .redact: text.append(contentsOf: "***".utf8)
        case .hash(let hash): hash.digest(UnsafeRawBufferPointer(value), &text)
        case .keepLastFour:
            var visible = 0
            func isCounted(_ byte: UInt8) -> Bool {
                byte &- 0x30 <= 9 || (byte | 0x20) &- 0x61 < 26 || byte >= 0xC0
            }
            let counted = value.reduce(0) { $0 + (isCounted($1) ? 1 : 0) }
            let hidden = counted > 4 ? counted - 4 : counted
            for byte in value {
                if byte & 0xC0 == 0x80 {
                    // Continues a scalar, whose first byte has decided.
                    if visible > hidden { text.append(byte) }
                } else if isCounted(byte) {
                    visible += 1
                    text.append(visible > hidden ? byte : UInt8(ascii: "*"))
                } else {
                    text.append(byte)
                }
            }
        }
    }
}
