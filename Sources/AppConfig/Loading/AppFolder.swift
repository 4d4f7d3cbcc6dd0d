#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The app folder on the disk: listing and reading.
struct AppFolder {
    /// A longer file is no configuration.
    static let maximumBytes = 1 << 20

    /// Absolute, without a slash at the end.
    let path: String

    /// Nil if it is not there or no folder.
    init?(path: String) {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        self.path = String(cString: resolved)
        guard isFolder("") else { return nil }
    }

    func isFolder(_ name: String) -> Bool {
        var status = stat()
        return stat(absolute(name), &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    func exists(_ name: String) -> Bool {
        var status = stat()
        return stat(absolute(name), &status) == 0
    }

    /// A path of the configuration: absolute as it is, else beneath the app folder.
    func absolute(_ name: String) -> String {
        if name.hasPrefix("/") { return name }
        return name.isEmpty ? path : "\(path)/\(name)"
    }

    /// Names in a folder in byte order, without hidden ones; empty if there is no such folder.
    func names(in folder: String) -> [String] {
        guard let stream = opendir(absolute(folder)) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Paths of the YAML files in a folder and the folders in it, in byte order; JSON is YAML, too. Warns of files that
    /// are neither, except for notes (`.md`).
    func yamlFiles(in folder: String, collector: FindingCollector, depth: Int = 8) -> [String] {
        names(in: folder).flatMap { name -> [String] in
            let path = "\(folder)/\(name)"
            if [".yaml", ".yml", ".json"].contains(where: name.hasSuffix) { return [path] }
            if isFolder(path) { return depth > 0 ? yamlFiles(in: path, collector: collector, depth: depth - 1) : [] }
            if !name.hasSuffix(".md") {
                ConfigFile(name: path, collector: collector).report(
                    .suspicious, "the file is not read: its name ends in neither .yaml, .yml nor .json", at: nil,
                    hint: "rename it, or put it elsewhere", severity: .warning)
            }
            return []
        }
    }

    /// The text of a file; nil, with a report, if it cannot be read.
    func text(of file: ConfigFile) -> String? {
        // Without O_NONBLOCK a FIFO would hold the caller for ever.
        let descriptor = open(absolute(file.name), O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            file.report(.unreadableFile, "cannot be read: \(String(cString: strerror(errno)))", at: nil)
            return nil
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            file.report(.unreadableFile, "is not a regular file", at: nil)
            return nil
        }
        guard status.st_size <= Self.maximumBytes else {
            file.report(.unreadableFile, "is longer than \(Self.maximumBytes) bytes", at: nil)
            return nil
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while bytes.count <= Self.maximumBytes {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                file.report(.unreadableFile, "cannot be read: \(String(cString: strerror(errno)))", at: nil)
                return nil
            }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            file.report(.unreadableFile, "is not UTF-8 text", at: nil, hint: "save it as UTF-8")
            return nil
        }
        return text
    }
}
