import CLinux
import Glibc

extension LogStore {
    /// Who has written anything that is kept: functions, webhooks and commands, and the host. Blocking.
    package func sources() -> [String] { Self.names(in: folder).sorted() }

    /// The last `limit` lines of a source, over all its files, the oldest first. Blocking.
    /// - Parameters:
    ///   - since: in the form that lines have; nothing before it.
    ///   - until: nothing from it on.
    package func last(
        _ limit: Int, of source: String, since: String? = nil, until: String? = nil
    ) -> [StoredLogLine] {
        var found: [StoredLogLine] = []
        for file in files(of: source).reversed() {
            guard found.count < limit, since.map({ file.prefix(10) >= $0.prefix(10) }) ?? true else { break }
            if let until, file.prefix(10) > until.prefix(10) { continue }
            Self.eachFromEnd("\(folder)/\(source)/\(file)") { line in
                if (since.map { line.time >= $0 } ?? true) && (until.map { line.time < $0 } ?? true) {
                    found.append(line)
                }
                return found.count < limit
            }
        }
        return found.reversed()
    }

    /// The files of a source, the oldest first.
    func files(of source: String) -> [String] {
        guard !source.contains("/") else { return [] }
        return Self.names(in: "\(folder)/\(source)").filter { $0.hasSuffix(".ndjson") }.sorted()
    }

    static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    static func parse(_ bytes: ArraySlice<UInt8>) -> [StoredLogLine] {
        bytes.split(separator: UInt8(ascii: "\n")).compactMap { JSONText.decode(StoredLogLine.self, from: Array($0)) }
    }

    /// The lines of a file from the last one back, as long as `body` wants more; a megabyte of it is in memory.
    private static func eachFromEnd(_ path: String, _ body: (StoredLogLine) -> Bool) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var end = lseek(descriptor, 0, SEEK_END)
        // The end of a line whose beginning has not been read yet.
        var rest: [UInt8] = []
        while end > 0 {
            let start = max(0, end - 1 << 20)
            var bytes = [UInt8](repeating: 0, count: Int(end - start))
            let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, start) }
            guard count == bytes.count else { return }
            bytes += rest
            end = start
            var whole = bytes[...]
            if start > 0 {
                guard let feed = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
                    rest = bytes
                    continue
                }
                rest = Array(bytes[...feed])
                whole = bytes[(feed + 1)...]
            }
            for line in parse(whole).reversed() where !body(line) { return }
        }
    }
}
