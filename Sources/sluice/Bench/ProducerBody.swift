import Glibc

/// What a producer sends.
protocol ProducerRequest {
    /// Of the host's API.
    var path: String { get }
    /// A word that the answer has once for everything that was accepted.
    var receipt: StaticString { get }
    var bytes: [UInt8] { get }

    /// Makes the body of the next request, which was sent then, or should have been and is `late`.
    mutating func fill(first: Int, count: Int, sent: Int64, late: Int64)
}

/// The body of one request, refilled for each: events of the same size that all differ.
struct ProducerBody: ProducerRequest {
    let path = "/v1/events"
    let receipt: StaticString = "\"eventID\""
    private static let head = Array("{\"entries\":[".utf8)
    private let start: [UInt8]
    private let notes: [[UInt8]]
    private(set) var bytes: [UInt8] = []

    init(bytes: Int, detailType: String) {
        start = Array("{\"source\":\"bench.pipeline\",\"detailType\":\"\(detailType)\",\"detail\":{\"id\":".utf8)
        // The envelope around it, with the numbers, has some 260 bytes.
        notes = Self.notes(bytes - 260)
    }

    /// Texts of a length that differ.
    static func notes(_ length: Int) -> [[UInt8]] {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        let alphabet = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .".utf8)
        return (0..<997).map { _ in
            (0..<max(1, length)).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return alphabet[Int(state >> 58)]
            }
        }
    }

    mutating func fill(first: Int, count: Int, sent: Int64, late: Int64) {
        bytes.removeAll(keepingCapacity: true)
        bytes += Self.head
        for index in first..<first + count {
            if index > first { bytes.append(UInt8(ascii: ",")) }
            bytes += start
            append(UInt64(index))
            bytes += Self.beforeSent
            append(UInt64(max(0, sent)))
            bytes += Self.beforeLate
            append(UInt64(max(0, late)))
            bytes += Self.beforeNote
            bytes += notes[index % notes.count]
            bytes += Self.end
        }
        bytes += "]}".utf8
    }

    private static let beforeSent = Array(",\"sent\":".utf8)
    private static let beforeLate = Array(",\"late\":".utf8)
    private static let beforeNote = Array(",\"note\":\"".utf8)
    private static let end = Array("\"}}".utf8)

    /// In decimal, without a text in between: a producer shares the processor with what is measured.
    private mutating func append(_ number: UInt64) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var place = digits.count
            var rest = number
            repeat {
                place -= 1
                digits[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[place...]))
        }
    }
}
