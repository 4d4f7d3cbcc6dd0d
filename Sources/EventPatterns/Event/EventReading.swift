package import FunctionJSON

/// What is known of an event before it is matched.
///
/// Unchecked because of the pointer in a known part, which is only read, and only while matching goes on: whoever gives
/// it sees to it.
public struct EventReading: @unchecked Sendable, Hashable {
    let isStrict: Bool
    /// What need not be read again.
    let known: OutlinedPart?

    private init(isStrict: Bool, known: OutlinedPart? = nil) {
        self.isStrict = isStrict
        self.known = known
    }

    /// Nothing is known: the event is read to the end of its object, and any fault of syntax is an error.
    public static let strict = EventReading(isStrict: true)

    /// The event is known to be valid JSON in which no object has a field name twice and no field name has a dot
    /// (`EventFacts` finds out): reading ends as soon as every field that rules use has been seen, and what is skipped
    /// is not checked. For other events the answer may differ from `strict`; it is never unsafe.
    public static let validated = EventReading(isStrict: false)

    /// The same of an event of which one object, that begins at the byte `place`, has been parsed, and so is known from
    /// end to end: the object's node and all others of its document, which must outlive the matching. The object must
    /// be the same, byte by byte.
    package static func validated(
        knowing index: Int, of nodes: UnsafeBufferPointer<TapeNode>, at place: Int
    ) -> EventReading {
        EventReading(isStrict: false, known: OutlinedPart(nodes, index, at: place))
    }
}

/// An object of an event that has been parsed: where all that is in it stands.
struct OutlinedPart: Hashable {
    let nodes: UnsafePointer<TapeNode>
    /// The object's own node.
    let index: Int
    /// What an offset in the document that was parsed is less than the same in the event; negative if it is more.
    let shift: Int
    /// The event's bytes that are the object.
    let start: Int
    let end: Int

    /// Nil if it is no object.
    init?(_ nodes: UnsafeBufferPointer<TapeNode>, _ index: Int, at start: Int) {
        guard let base = nodes.baseAddress, nodes.indices.contains(index), base[index].kind == .object, start >= 0
        else { return nil }
        self.nodes = base
        self.index = index
        self.start = start
        end = start + Int(base[index].length)
        shift = start - Int(base[index].offset)
    }
}
