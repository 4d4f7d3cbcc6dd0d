/// `stream:` or `bus:` of a target: the event goes on into another log of the host.
package struct ForwardDefinition: Codable, Sendable, Hashable {
    /// What kind of log the event goes on into.
    package enum Kind: String, Codable, Sendable {
        case stream, bus
    }

    package var kind: Kind
    package var name: String
    /// Of a stream: where the event has the record's partition key, names joined by dots. Nil, or where there is no
    /// such field: the event's id, of another stream's record its own key.
    package var partitionKeyPath: String?

    package init(kind: Kind, name: String, partitionKeyPath: String? = nil) {
        self.kind = kind
        self.name = name
        self.partitionKeyPath = partitionKeyPath
    }
}
