import Glibc

/// The temporary folder of a benchmark.
package enum BenchFolder {
    /// Writes a file, making its folders. Throws a `HostStartError`.
    package static func write(_ text: String, to path: String) throws {
        Folders.make(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else {
            throw HostStartError(message: "cannot write \(path): \(String(cString: strerror(errno)))")
        }
        _ = text.utf8.withContiguousStorageIfAvailable { Glibc.write(file, $0.baseAddress, $0.count) }
        close(file)
    }

    /// Removes the folder and all below it.
    package static func remove(_ folder: String) { Folders.remove(folder) }
}
