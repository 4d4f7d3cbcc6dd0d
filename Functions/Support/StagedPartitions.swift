import Columnar
import FunctionKit

/// The files of a partitioned conversion as staged objects: none of them is seen before the invocation has succeeded,
/// and then all of them are.
final class StagedPartitions: PartitionedOutput {
    private struct Name: Hashable {
        var path: String
        var number: Int
    }

    private let objects: Context.Objects
    private let bucket: String
    private var staged: [Name: StagedObject] = [:]
    /// What the host refused, in its own words.
    private(set) var refusal: (any Error)?

    init(_ objects: Context.Objects, bucket: String) {
        self.objects = objects
        self.bucket = bucket
    }

    func begin(_ file: PartitionFile) throws(ColumnarError) -> any ByteSink {
        do {
            let object = try objects.stage(bucket)
            staged[Name(path: file.path, number: file.number)] = object
            return FileSink(descriptor: try object.descriptor, name: "a Parquet file of \(bucket)")
        } catch {
            refusal = error
            throw ColumnarError(.writeFailed, "Cannot begin a file of \(bucket): \(error).")
        }
    }

    func complete(_ file: PartitionFile) throws(ColumnarError) {
        staged[Name(path: file.path, number: file.number)]?.close()
    }

    func reset() throws(ColumnarError) {
        discard()
    }

    /// Gives all files up.
    func discard() {
        for object in staged.values { object.discard() }
        staged = [:]
    }

    /// Puts all files under `prefix`, by the name of their source: so a second run gets the same keys, however often
    /// its conversion began again.
    /// - Returns: the keys in the order of `files`.
    func put(_ files: [PartitionFile], _ names: SourceName, prefix: String) throws -> [String] {
        var keys: [String] = []
        for file in files {
            let key = names.key(prefix: prefix + file.path, number: file.number)
            try staged.removeValue(forKey: Name(path: file.path, number: file.number))?.put(as: key, overwrite: true)
            keys.append(key)
        }
        return keys
    }
}
