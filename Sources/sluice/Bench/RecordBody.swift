import EventModel

/// The body of one request of records, refilled for each: data of the same size that all differ, with the keys of one
/// connection, so that nobody else can overtake them.
struct RecordBody: ProducerRequest {
    let path: String
    let receipt: StaticString = "\"sequenceNumber\""
    private static let head = Array("{\"records\":[".utf8)
    private let size: Int
    private let notes: [[UInt8]]
    /// The keys, each with the number of its last record.
    private var keys: [(key: Int, number: Int64)]
    private var next = 0
    private(set) var bytes: [UInt8] = []

    /// - Parameters:
    ///   - bytes: of a record's data.
    ///   - number: of this connection.
    init(stream: String, bytes: Int, keys: Int, number: Int, of connections: Int) {
        path = "/v1/streams/\(stream)/records"
        size = bytes
        notes = ProducerBody.notes(bytes)
        self.keys = stride(from: number, to: keys, by: connections).map { ($0, 0) }
    }

    mutating func fill(first: Int, count: Int, sent: Int64, late: Int64) {
        bytes.removeAll(keepingCapacity: true)
        bytes += Self.head
        for index in first..<first + count {
            if index > first { bytes.append(UInt8(ascii: ",")) }
            keys[next].number += 1
            let (key, number) = keys[next]
            next = (next + 1) % keys.count
            var data = Array("{\"key\":\(key),\"number\":\(number),\"sent\":\(sent),\"note\":\"".utf8)
            data += notes[index % notes.count].prefix(max(0, size - data.count - 2))
            data += "\"}".utf8
            bytes += "{\"partitionKey\":\"key-\(key)\",\"data\":\"".utf8
            bytes += Base64.encode(data)
            bytes += "\"}".utf8
        }
        bytes += "]}".utf8
    }
}
