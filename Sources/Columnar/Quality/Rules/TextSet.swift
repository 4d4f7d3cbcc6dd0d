/// Texts to compare values with, to the letter: two texts are the same where their bytes are. Swift's own comparison
/// would take `é` as one character and `e` with an accent behind it for the same text, and keep but one of them.
public struct TextSet: Sendable, Hashable, ExpressibleByArrayLiteral {
    private var members: Set<[UInt8]> = []

    public init(_ texts: some Sequence<String>) {
        for text in texts { insert(text) }
    }

    public init(arrayLiteral texts: String...) {
        self.init(texts)
    }

    public var isEmpty: Bool { members.isEmpty }
    public var count: Int { members.count }

    /// Adds a text; nothing happens if it is there.
    public mutating func insert(_ text: String) { members.insert(Array(text.utf8)) }

    /// Whether the text is in the set, byte by byte: é composed and é decomposed are two texts.
    public func contains(_ text: String) -> Bool { members.contains(Array(text.utf8)) }

    /// The texts, in the order of their bytes.
    public var sorted: [String] {
        members.sorted { $0.lexicographicallyPrecedes($1) }.map { String(decoding: $0, as: UTF8.self) }
    }
}
