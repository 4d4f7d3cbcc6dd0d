import Glibc

/// Runs another program on this terminal.
enum Subprocess {
    /// Waits for its end; fails unless it ends with 0.
    /// - Parameter arguments: the program, found in PATH, and its arguments.
    static func run(_ arguments: [String]) throws(Failure) {
        let line = arguments.joined(separator: " ")
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        guard let program = words[0] else { throw Failure("cannot start `\(line)`") }
        var process: pid_t = 0
        let fault = posix_spawnp(&process, program, nil, nil, words, environ)
        guard fault == 0 else {
            throw Failure("cannot start `\(line)`: \(String(cString: strerror(fault)))")
        }
        var status: CInt = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { throw .system("cannot wait for `\(line)`") }
        }
        guard status == 0 else { throw Failure("`\(line)` failed", hint: "its messages are above") }
    }
}
