import Columnar
import FunctionKit

/// The rows that a load leaves out, as a staged object of NDJSON: there is an object when there are such rows.
final class StagedQuarantine {
    private let staged: StagedObject
    /// Takes the rows.
    let writer: QuarantineWriter

    /// - Parameter source: the object that the rows come from.
    init(_ objects: Context.Objects, bucket: String, source: String) throws {
        staged = try objects.stage(bucket)
        writer = QuarantineWriter(
            FileSink(descriptor: try staged.descriptor, name: "the quarantine object"), source: source)
    }

    /// Puts the object under the key, when the invocation succeeds.
    /// - Returns: whether there are rows.
    func put(as key: String) throws -> Bool {
        guard writer.count > 0 else {
            staged.discard()
            return false
        }
        try writer.finish()
        try staged.put(as: key, overwrite: true)
        return true
    }

    func discard() { staged.discard() }
}
