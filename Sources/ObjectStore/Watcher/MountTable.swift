import Glibc

/// What is mounted below a folder. A mount covers a folder with another one and its end uncovers it, and neither is an
/// event of the folders above.
package struct MountTable {
    /// Paths relative to the folder, by everything that tells one mount from another.
    private var mounts: [[UInt8]: String] = [:]
    private let read: @Sendable () -> [UInt8]?

    /// `read`: for tests, in place of the system's table.
    init(read: (@Sendable () -> [UInt8]?)? = nil) {
        self.read = read ?? { Self.systemTable }
    }

    package static var systemTable: [UInt8]? { read("/proc/self/mountinfo") }

    /// Reads the system's table again; returns the paths below `root` where another mount begins now than before, or
    /// none any more. nil: it cannot be read now.
    mutating func update(below root: Int32) -> [String]? {
        guard let table = read(), let folder = Self.path(of: root) else { return nil }
        let found = Self.mounts(in: table, below: folder)
        let came = found.filter { mounts[$0.key] == nil }
        let went = mounts.filter { found[$0.key] == nil }
        mounts = found
        return Set((Array(came.values) + Array(went.values)).map { ByteKey($0) }).sorted().map(\.string)
    }

    /// Lines of mountinfo are `id parent device root place options …`, with blanks and the like as `\ooo`.
    private static func mounts(in table: [UInt8], below folder: [UInt8]) -> [[UInt8]: String] {
        let above = folder.last == UInt8(ascii: "/") ? folder : folder + [UInt8(ascii: "/")]
        var result: [[UInt8]: String] = [:]
        for line in table.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            guard fields.count > 4 else { continue }
            let place = unescaped(fields[4])
            guard place.starts(with: above), place.count > above.count,
                let path = String(validating: place.dropFirst(above.count), as: UTF8.self)
            else { continue }
            result[Array(fields[0...4].joined(separator: [UInt8(ascii: " ")]))] = path
        }
        return result
    }

    private static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                result.append(value)
                rest = rest.dropFirst(3)
            } else {
                result.append(byte)
            }
        }
        return result
    }

    private static func path(of folder: Int32) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = bytes.withUnsafeMutableBytes { buffer in
            buffer.withMemoryRebound(to: CChar.self) { text in
                text.baseAddress.map { readlink("/proc/self/fd/\(folder)", $0, text.count) } ?? -1
            }
        }
        return count > 0 && count < bytes.count ? Array(bytes[..<count]) : nil
    }

    private static func read(_ path: String) -> [UInt8]? {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        if number < 0 { return nil }
        let file = Descriptor(number)
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(file.number, &buffer, buffer.count)
            if count < 0 { return nil }
            if count == 0 { return content }
            content.append(contentsOf: buffer[..<count])
        }
    }
}
