import Glibc
import SluiceRuntime

/// Paths as the host wants them.
enum Paths {
    /// The path from the root; `.` and `..` at its parts are left to the kernel.
    static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return trimmed(path) }
        guard let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        let relative = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
        let here = String(cString: folder)
        return trimmed(relative.isEmpty || relative == "." ? here : "\(here)/\(relative)")
    }

    /// Where temporary files go: `$TMPDIR`, else /tmp.
    static var temporaryFolder: String {
        let named = getenv("TMPDIR").map { String(cString: $0) } ?? ""
        return named.isEmpty ? "/tmp" : trimmed(named)
    }

    /// The folder of this program, with its slash.
    static var programFolder: String { ProgramFolder.path }

    /// This program as it was called: its name where it was found in PATH, else from the root, so that it holds in
    /// other folders.
    static var programAsInvoked: String {
        guard let name = CommandLine.arguments.first, name.contains("/") else { return "sluice" }
        return absolute(name)
    }

    private static func trimmed(_ path: String) -> String {
        path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }
}
