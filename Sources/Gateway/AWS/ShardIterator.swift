import EventModel
package import HostAPI

/// Where a reader of a shard stands. To clients it is a text that says nothing: base64url of the parts.
package struct ShardIterator: Sendable, Hashable {
    /// For how long one can be used, as with AWS.
    package static let lifetimeMilliseconds: Int64 = 300_000

    package var stream: String
    package var shard: String
    /// See `StreamPosition`.
    package var after: Int64
    package var issued: APITime

    package init(stream: String, shard: String, after: Int64, issued: APITime) {
        self.stream = stream
        self.shard = shard
        self.after = after
        self.issued = issued
    }

    /// Nil for a text that is no iterator.
    package init?(_ text: String) {
        guard let parts = OpaqueToken.parts(of: text, kind: "iterator-1"), parts.count == 4,
            let after = Int64(parts[2]), after >= 0, let issued = Int64(parts[3])
        else { return nil }
        self.init(stream: parts[0], shard: parts[1], after: after, issued: APITime(milliseconds: issued))
    }

    package var text: String {
        OpaqueToken.text(of: [stream, shard, String(after), String(issued.milliseconds)], kind: "iterator-1")
    }

    func isExpired(at now: APITime) -> Bool {
        now.milliseconds.subtractingReportingOverflow(issued.milliseconds).partialValue > Self.lifetimeMilliseconds
    }
}

/// A list of texts as one that goes through JSON and URLs unchanged.
enum OpaqueToken {
    /// The last part: a text without it was cut off.
    private static let end = "."

    static func text(of parts: [String], kind: String) -> String {
        let plain = ([kind] + parts + [end]).joined(separator: "/")
        let url = Base64.encode(Array(plain.utf8)).compactMap { byte -> UInt8? in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            case UInt8(ascii: "="): nil
            default: byte
            }
        }
        return String(decoding: url, as: UTF8.self)
    }

    /// Nil for what `text` has not made of this kind of parts.
    static func parts(of text: String, kind: String) -> [String]? {
        guard text.utf8.count <= 4096 else { return nil }
        var base64 = text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "-"): UInt8(ascii: "+")
            case UInt8(ascii: "_"): UInt8(ascii: "/")
            // Would be right as they are, but are none of ours.
            case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): UInt8(ascii: " ")
            default: byte
            }
        }
        while base64.count % 4 != 0 { base64.append(UInt8(ascii: "=")) }
        guard let bytes = Base64.decode(base64), let plain = String(validating: bytes, as: UTF8.self) else {
            return nil
        }
        let parts = plain.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 2, parts.first == kind, parts.last == end else { return nil }
        return Array(parts.dropFirst().dropLast())
    }
}
