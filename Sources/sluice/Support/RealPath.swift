import Glibc

/// Where a path leads, whether or not there is something at its end.
enum RealPath {
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Absolute and without symbolic links, as far as its folders are there; `.` and `..` of the rest are taken as they
    /// are written.
    static func of(_ path: String) -> String {
        if let found = resolved(path) { return found }
        let whole = path.utf8.first == UInt8(ascii: "/") ? path : (resolved(".") ?? "") + "/" + path
        var rest = whole.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
        var gone: [String] = []
        while let part = rest.popLast() {
            gone.append(part)
            guard let folder = resolved("/" + rest.joined(separator: "/")) else { continue }
            var parts = folder.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
            for part in gone.reversed() where part != "." {
                if part == ".." { _ = parts.popLast() } else { parts.append(part) }
            }
            return "/" + parts.joined(separator: "/")
        }
        return whole
    }

    private static func resolved(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }
}
