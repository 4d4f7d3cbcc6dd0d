import ArgumentParser
import CLinux
import Glibc

/// The files that a command reads and those that it makes.
enum Destinations {
    typealias Named = (name: String, path: String?)

    /// Refuses a destination that would take the place of what is read, or of another destination.
    static func check(_ inputs: [Named], _ outputs: [Named]) throws {
        var taken: [String: String] = [:]
        for (name, path) in inputs {
            guard let path, let place = place(of: path) else { continue }
            taken[place] = "\(name) \(path)"
        }
        for (name, path) in outputs {
            guard let path, let place = place(of: path) else { continue }
            if let other = taken.updateValue("\(name) \(path)", forKey: place) {
                throw ValidationError("\(name) \(path) would take the place of \(other): name another file.")
            }
        }
    }

    /// The same for all names of a file; nil for devices and pipes, which nothing takes the place of.
    private static func place(of path: String) -> String? {
        var status = stat()
        if stat(path, &status) == 0 {
            let kind = status.st_mode & S_IFMT
            return kind == S_IFREG || kind == S_IFDIR ? "\(status.st_dev):\(status.st_ino)" : nil
        }
        guard stat(StagedFile.folder(of: path), &status) == 0 else { return path }
        let name = path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
        return "\(status.st_dev):\(status.st_ino)/\(name)"
    }
}
