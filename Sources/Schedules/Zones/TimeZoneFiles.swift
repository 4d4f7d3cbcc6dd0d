#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The system's time zone database: TZif files by name.
package enum TimeZoneFiles {
    /// Where the files are: `TZDIR`, as the C library has it, or the usual place.
    private static var folder: String {
        guard let value = getenv("TZDIR"), value.pointee != 0 else { return "/usr/share/zoneinfo" }
        return String(cString: value)
    }

    /// The rules of a zone such as `Europe/Berlin`. `UTC` needs no file. Blocking. Throws `invalidZone`.
    package static func load(_ name: String) throws(ScheduleError) -> TimeZoneRules {
        if name == "UTC" { return .utc }
        let isPlain = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || [0x2B, 0x2D, 0x2F, 0x5F].contains(byte)
        }
        // `posix/` repeats the database, `right/` counts leap seconds.
        guard isPlain, !name.isEmpty, !name.hasPrefix("/"), !name.hasPrefix("right/"), !name.hasPrefix("posix/"),
            let bytes = read("\(folder)/\(name)")
        else {
            var status = stat()
            let hasDatabase = stat(folder, &status) == 0
            throw ScheduleError(
                .invalidZone,
                hasDatabase
                    ? "there is no time zone `\(name)`; names are such as Europe/Berlin"
                    : "the time zone `\(name)` cannot be read: there is no \(folder); install the package tzdata")
        }
        return try TimeZoneRules(file: bytes)
    }

    private static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size < 1 << 20 else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                #if canImport(Glibc)
                    Glibc.read(descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
                #else
                    Musl.read(descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
                #endif
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            filled += count
        }
        return bytes
    }
}
