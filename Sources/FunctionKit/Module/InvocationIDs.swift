import Synchronization

/// The ids that an invocation came with (sluice_abi.h): its own and, in a batch of several events, a line for each of
/// them.
final class InvocationIDs: Sendable {
    private let own: String
    private let rest: [UInt8]
    /// Cut into lines when the first record is asked for; most handlers never ask.
    private let records = Mutex<[String]?>(nil)

    init(_ bytes: [UInt8]) {
        let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
        own = String(decoding: bytes[..<end], as: UTF8.self)
        rest = Array(bytes[end...].dropFirst())
    }

    /// Of a record; its own id for the batch as a whole, and for a batch of one.
    func id(of record: Int?) -> String {
        guard let record, !rest.isEmpty else { return own }
        return records.withLock { records in
            let known = records ?? rest.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
            records = known
            return known.indices.contains(record) ? known[record] : own
        }
    }
}
