import Foundation
import Glibc
import HostAPI

/// What a backup says of itself, in a file of the copy, until a host has started on it.
struct BackupNote: Codable {
    /// The data folder that was copied.
    var origin: String
    var made: APITime
    /// The buckets that were copied with it, to `buckets/NAME`; nil: none.
    var buckets: [String]?

    private static func path(_ dataFolder: String) -> String { "\(dataFolder)/backup.json" }

    /// Without it the copy is as good: only the log of its first host says less.
    func leave(in dataFolder: String) {
        guard let bytes = try? JSONEncoder().encode(self) else { return }
        try? bytes.write(to: URL(fileURLWithPath: Self.path(dataFolder)), options: .atomic)
    }

    /// Nil where there is none.
    static func read(in dataFolder: String) -> BackupNote? {
        FileManager.default.contents(atPath: path(dataFolder)).flatMap {
            try? JSONDecoder().decode(Self.self, from: $0)
        }
    }

    /// A host has started: what the next one finds is what this one has left.
    static func remove(from dataFolder: String) { unlink(path(dataFolder)) }
}
