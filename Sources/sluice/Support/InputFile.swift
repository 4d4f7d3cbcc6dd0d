import FunctionJSON
import Glibc

/// Bytes and lines of a file, or of the standard input for `-`.
struct InputFile: ~Copyable {
    private let descriptor: CInt
    private let name: String
    private var buffer: [UInt8] = []
    private var start = 0
    private var ended = false

    init(_ path: String) throws(Failure) {
        name = path == "-" ? "the standard input" : path
        descriptor = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .file("read", path, hint: errno == ENOENT ? Self.whatToGive : nil) }
        // A folder can be opened, but not read.
        try FileCheck.readable(path)
    }

    deinit {
        if descriptor > 0 { close(descriptor) }
    }

    private static var whatToGive: String {
        "give the path of a file (relative ones begin in \(Paths.absolute("."))), or - for the standard input"
    }

    /// Everything.
    static func bytes(of path: String) throws(Failure) -> [UInt8] {
        var file = try InputFile(path)
        while !file.ended { try file.fill() }
        return file.buffer
    }

    /// A line of spaces and tabs at most.
    static func isBlank(_ line: [UInt8]) -> Bool { line.allSatisfy { $0 == 0x20 || $0 == 0x09 } }

    /// A file that holds one JSON value.
    /// - Parameter hint: what the value must be.
    static func json(of path: String, hint: String? = nil) throws(Failure) -> RawJSON {
        let bytes = try Self.bytes(of: path)
        do {
            return try RawJSON(bytes)
        } catch {
            throw Failure("\(path == "-" ? "the standard input" : path) is not JSON: \(error)", hint: hint)
        }
    }

    /// The next line without its end; nil after the last.
    mutating func line() throws(Failure) -> [UInt8]? {
        var searched = start
        while true {
            if let end = buffer[searched...].firstIndex(of: 0x0A) {
                let line = Array(buffer[start..<end])
                start = end + 1
                return line.last == 0x0D ? Array(line.dropLast()) : line
            }
            if ended {
                guard start < buffer.count else { return nil }
                defer { start = buffer.count }
                return Array(buffer[start...])
            }
            buffer.removeFirst(start)
            start = 0
            searched = buffer.count
            try fill()
        }
    }

    private mutating func fill() throws(Failure) {
        var portion = [UInt8](repeating: 0, count: 1 << 16)
        let count = portion.withUnsafeMutableBytes { bytes in
            var count: Int
            repeat { count = read(descriptor, bytes.baseAddress, bytes.count) } while count < 0 && errno == EINTR
            return count
        }
        guard count >= 0 else { throw .file("read", name) }
        if count == 0 { ended = true }
        buffer.append(contentsOf: portion[..<count])
    }
}
