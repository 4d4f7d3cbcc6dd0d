import Columnar
import FunctionKit
import FunctionSupport
import Synchronization

/// The reference table of the last invocation, with the version it was read from.
final class ReferenceCache: Sendable {
    struct Entry: Sendable {
        var location: ObjectLocation
        var column: String
        var etag: String
        var table: ReferenceTable
    }

    private let entry = Mutex<Entry?>(nil)

    /// The table at `location`, from memory when that version was read before.
    ///
    /// Throws `ReferenceMissing` when it is not there, to be tried again by the policy; `InvalidReference` when it
    /// cannot be read as a table with one row a key.
    func reference(_ location: ObjectLocation, column: String, context: Context) async throws -> Entry {
        do {
            let info = try await context.objects.head(location.bucket, location.key)
            let known = entry.withLock { $0 }
            if let known, known.location == location, known.column == column, known.etag == info.etag { return known }
            let data = try await context.objects.get(location.bucket, location.key)
            let table = try await data.withDescriptor { descriptor in
                do throws(ColumnarError) {
                    return try ReferenceTable(
                        FileSource(descriptor: descriptor, name: location.description), keyColumn: column)
                } catch {
                    let isTransient = error.code == .readFailed
                    throw HandlerError(
                        code: "InvalidReference", message: "the reference \(location): \(error)",
                        retry: isTransient ? nil : false)
                }
            }
            // Of what was opened, which may be newer than what `head` saw.
            let fresh = Entry(location: location, column: column, etag: data.info.etag, table: table)
            entry.withLock { $0 = fresh }
            context.logger.info(
                "read the reference",
                metadata: ["object": "\(location)", "etag": "\(fresh.etag)", "rows": "\(table.count)"])
            return fresh
        } catch HostRefusal.Code.noSuchKey {
            throw HandlerError(
                code: "ReferenceMissing",
                message:
                    "there is no reference \(location); put it there, and the orders will be tried again or can be "
                    + "redriven")
        }
    }
}
