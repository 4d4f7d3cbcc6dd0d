import Crypto
package import FunctionKit

/// What a source object is called in the names of the files that are made of it. Every version of the object, and every
/// attempt, redrive and replay of its events, gives the same names: what is new replaces what was.
struct SourceName {
    /// Hexadecimal digits: of an object 32 of the SHA-256 of bucket and key.
    let text: String

    init(_ location: ObjectLocation) { text = Self.hash(location.description) }

    /// Of the records of a batch, by their invocation ids: another set of them has another name, and so has the same
    /// set in a replay.
    init(ofRecords ids: [String]) { text = Self.hash(ids.joined(separator: "\n")) }

    private static func hash(_ source: String) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in SHA256.hash(data: Array(source.utf8)).prefix(16) {
            text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The key of the `number`th file below `prefix`.
    func key(prefix: String, number: Int = 0) -> String {
        "\(prefix)\(text)\(number > 0 ? "-\(number)" : "").parquet"
    }

    /// Whether `key` is of a file that was made of this source.
    func made(_ key: String) -> Bool {
        let name = key.lastIndex(of: "/").map { key[key.index(after: $0)...] } ?? key[...]
        return name.hasPrefix(text) && name.hasSuffix(".parquet")
    }
}

extension ObjectData {
    /// Throws `NewerVersion` for an object that a redrive got from its dead letter while the bucket has a newer one:
    /// what was made of the newer version must not be replaced by what the older one gives.
    package func requireNewest(_ context: Context) async throws {
        // What the bucket itself has is compared by the host when the invocation ends.
        guard info.sequencer.isEmpty else { return }
        let now: ObjectInfo
        do {
            now = try await context.objects.head(info.location.bucket, info.location.key)
        } catch HostRefusal.Code.noSuchKey {
            return
        }
        guard now.etag != info.etag else { return }
        throw HandlerError(
            code: "NewerVersion",
            message: "\(info.location) was replaced since this dead letter, and the newer version has an event of its "
                + "own; purge the dead letter, or put its file under another name",
            retry: false)
    }
}
