import FunctionJSON

/// Writes the events of a producer's request. What stands before an event's detail is the same for most of them, but
/// for the id: it is written once, and each event is three copies.
package struct EventEnvelopeWriter: Sendable {
    private let account: String
    private let region: String
    private var source = ""
    private var detailType = ""
    private var time = ""
    private var resources: [String] = []
    /// The last event up to its detail.
    private var head: [UInt8] = []
    /// Where the id begins in it, and how long it is: as every UUID.
    private static let idPlace = EventEnvelope.beforeID.utf8CodeUnitCount
    private static let idCount = 36

    package init(account: String, region: String) {
        self.account = account
        self.region = region
    }

    /// Whether two texts are the same bytes. To `==` those are equal that Unicode calls equivalent: another file's
    /// name, for one.
    private static func isSame(_ a: String, _ b: String) -> Bool {
        var (a, b) = (a, b)
        return a.withUTF8 { a in b.withUTF8 { b in a.count == b.count && a.elementsEqual(b) } }
    }

    /// The same as `EventEnvelope.bytes` makes.
    /// - Parameter id: a UUID's text.
    package mutating func bytes(
        id: String, detailType: String, source: String, time: String, resources: [String],
        detail: PutEventsEntry.ReadDetail
    ) -> [UInt8] {
        if head.isEmpty || !Self.isSame(detailType, self.detailType) || !Self.isSame(source, self.source)
            || !Self.isSame(time, self.time) || resources.count != self.resources.count
            || !zip(resources, self.resources).allSatisfy({ Self.isSame($0, $1) })
        {
            (self.detailType, self.source, self.time, self.resources) = (detailType, source, time, resources)
            head = EventEnvelope.bytes(
                id: String(repeating: "0", count: Self.idCount), detailType: detailType, source: source,
                account: account, time: time, region: region, resources: resources, replayName: nil, replayedFrom: nil,
                detail: UnsafeBufferPointer(start: nil, count: 0))
            head.removeLast()
        }
        precondition(id.utf8.count == Self.idCount, "an event's id is a UUID")
        return detail.json.withBytes { detail in
            head.withUnsafeBytes { head in
                let count = head.count + detail.count + 1
                return [UInt8](unsafeUninitializedCapacity: count) { output, written in
                    let raw = UnsafeMutableRawBufferPointer(output)
                    raw.copyMemory(from: head)
                    var id = id
                    id.withUTF8 {
                        UnsafeMutableRawBufferPointer(rebasing: raw[Self.idPlace...]).copyMemory(from: .init($0))
                    }
                    UnsafeMutableRawBufferPointer(rebasing: raw[head.count...]).copyMemory(from: .init(detail))
                    output[count - 1] = UInt8(ascii: "}")
                    written = count
                }
            }
        }
    }
}
