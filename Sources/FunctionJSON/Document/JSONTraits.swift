/// What parsing has found out about a value, for who handles its bytes later and would otherwise read them again.
public struct JSONTraits: Sendable, Hashable {
    /// Whether no object has a member name twice and no member name has a dot or an escape: then a name is found by its
    /// bytes, and the first member with it is the only one.
    public let hasPlainNames: Bool
    /// The value, and all values and member names in it: never fewer than arrays and objects lie in one another.
    public let nodes: Int
    /// The number of the value's own node in its document.
    package let place: Int
}

extension JSONNode {
    /// Of this value and all within it.
    public var traits: JSONTraits {
        JSONTraits(
            hasPlainNames: tape.hasPlainNames(within: index), nodes: Int(tape.nodes[index].next) - index,
            place: index)
    }
}
