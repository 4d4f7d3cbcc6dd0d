import Glibc

/// Programs that belong together lie together.
package enum ProgramFolder {
    /// The folder of this program, with its slash.
    package static let path: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let own = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return own.lastIndex(of: "/").map { String(own[...$0]) } ?? "./"
    }()
}
