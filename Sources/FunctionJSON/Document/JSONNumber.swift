/// A JSON number as its text. Equal texts are equal numbers; `1` and `1.0` are not.
public struct JSONNumber: Sendable, Hashable, CustomStringConvertible {
    public let text: String

    /// Nil if the text is no number of RFC 8259.
    public init?(_ text: String) {
        guard let document = try? JSONDocument(parsing: text), document.root.kind == .number,
            document.root.sourceRange.count == text.utf8.count
        else { return nil }
        self.text = text
    }

    public init(_ value: some BinaryInteger) { text = String(value) }

    /// The shortest text that reads back as the same Double; nil for infinities and NaN, which JSON does not have.
    public init?(_ value: Double) {
        guard value.isFinite else { return nil }
        text = value.description
    }

    init(unchecked text: String) { self.text = text }

    public var description: String { text }

    /// The integer; nil if there is a fraction or it does not fit.
    public func integer<T: FixedWidthInteger>(as type: T.Type = T.self) -> T? {
        var text = self.text
        return text.withUTF8 { NumberText.integer($0, as: type) }
    }

    /// The nearest Double; nil beyond its range.
    public var double: Double? {
        var text = self.text
        return text.withUTF8(NumberText.double)
    }
}
