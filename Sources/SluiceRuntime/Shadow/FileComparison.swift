import CLinux
import Glibc

/// Whether two files have the same bytes.
enum FileComparison {
    /// Nil where one of them cannot be read. Blocking; two small buffers whatever the size.
    static func isEqual(_ one: String, _ other: String) -> Bool? {
        let (first, second) = (open(one, O_RDONLY | O_CLOEXEC), open(other, O_RDONLY | O_CLOEXEC))
        defer {
            if first >= 0 { close(first) }
            if second >= 0 { close(second) }
        }
        guard first >= 0, second >= 0 else { return nil }
        var (left, right) = (stat(), stat())
        guard fstat(first, &left) == 0, fstat(second, &right) == 0 else { return nil }
        guard left.st_size == right.st_size else { return false }
        var buffer = [UInt8](repeating: 0, count: 1 << 17)
        var beside = buffer
        while true {
            guard let count = fill(&buffer, from: first), let same = fill(&beside, from: second) else { return nil }
            if count != same || buffer[..<count] != beside[..<count] { return false }
            if count == 0 { return true }
        }
    }

    private static func fill(_ buffer: inout [UInt8], from descriptor: Int32) -> Int? {
        var filled = 0
        while filled < buffer.count {
            let count = buffer.withUnsafeMutableBytes { bytes in
                read(descriptor, bytes.baseAddress.map { $0 + filled }, bytes.count - filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            filled += count
        }
        return filled
    }
}
