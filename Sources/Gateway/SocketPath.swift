import Glibc

/// The host's socket, `api.sock` in the data folder. A socket's path has at most 107 bytes, a data folder's may have
/// more: so both ends go through a descriptor of the folder.
struct SocketPath: ~Copyable {
    static let name = "api.sock"

    /// O_PATH of <fcntl.h>, which Swift does not see without _GNU_SOURCE.
    private static let pathOnly: Int32 = 0o10000000

    private let folder: Int32
    /// Valid as long as this value lives.
    let path: String

    /// Nil if there is no such folder; errno says why.
    init?(dataFolder: String) {
        folder = open(dataFolder, Self.pathOnly | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return nil }
        path = "/proc/self/fd/\(folder)/\(Self.name)"
    }

    deinit { close(folder) }
}
