import Foundation
import Glibc
import HostAPI
import ObjectStore

/// What a backup says of itself, in a file of the copy, until a host has started on it.
struct BackupNote: Codable {
    /// The data folder that was copied.
    var origin: String
    var made: APITime
    /// The buckets that were copied with it, to `buckets/NAME`; nil: none.
    var buckets: [String]?
    /// It is being made, or could not be finished.
    var incomplete: Bool?

    private static func path(_ dataFolder: String) -> String { "\(dataFolder)/backup.json" }

    /// Durably, making the folder: where it has buckets, a host that starts there without it would work in those of the
    /// first one. Blocking.
    func leave(in dataFolder: String) throws(FolderCopy.Fault) {
        let (path, made) = (Self.path(dataFolder), Self.path(dataFolder) + ".new")
        do {
            let bytes = try JSONEncoder().encode(self)
            let parent = URL(fileURLWithPath: dataFolder).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
            // A data folder's mode.
            mkdir(dataFolder, 0o700)
            try bytes.write(to: URL(fileURLWithPath: made))
        } catch {
            throw FolderCopy.Fault(message: "cannot write \(path): \(error.localizedDescription)")
        }
        guard Self.sync(made), rename(made, path) == 0, Self.sync(dataFolder) else {
            throw FolderCopy.Fault(message: "cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }

    /// Nil where there is none, or none that can be read: `requireComplete` has told that before.
    static func read(in dataFolder: String) -> BackupNote? { try? load(dataFolder) }

    /// A host does not start on half a backup.
    static func requireComplete(_ dataFolder: String) throws(HostStartError) {
        do {
            guard try load(dataFolder)?.incomplete == true else { return }
        } catch {
            throw HostStartError(
                message: "\(path(dataFolder)) cannot be read, so that nobody knows whether this backup is complete: "
                    + "correct what is the matter with the file, or make the backup again")
        }
        throw HostStartError(
            message: "\(dataFolder) is a backup that was not finished: parts are missing. Remove it, and make it again")
    }

    private static func load(_ dataFolder: String) throws -> BackupNote? {
        guard access(path(dataFolder), F_OK) == 0 || ![ENOENT, ENOTDIR].contains(errno) else { return nil }
        return try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: path(dataFolder))))
    }

    private static func sync(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return fsync(descriptor) == 0
    }

    /// A host has started: what the next one finds is what this one has left.
    static func remove(from dataFolder: String) { unlink(path(dataFolder)) }
}
