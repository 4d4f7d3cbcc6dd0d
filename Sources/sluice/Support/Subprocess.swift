import Glibc

/// Runs another program on this terminal.
enum Subprocess {
    /// Waits for its end; fails unless it ends with 0.
    /// - Parameters:
    ///   - arguments: the program, found in PATH, and its arguments.
    ///   - name: what it is called in messages; default: its command line.
    static func run(_ arguments: [String], named name: String? = nil, hint: String? = nil) throws(Failure) {
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
        guard status == 0 else {
            throw Failure("\(name ?? "`\(line)`") failed", hint: hint ?? "its messages are above")
        }
    }

    /// Runs a program and returns what it wrote to stdout; fails unless it ends with 0.
    /// - Parameter arguments: the program's path and its arguments.
    static func output(_ arguments: [String]) throws(Failure) -> String {
        let line = arguments.joined(separator: " ")
        let (process, pipe) = try start(arguments, named: "`\(line)`")
        defer { close(pipe) }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(pipe, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            output += buffer[..<count]
        }
        var status: CInt = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { throw .system("cannot wait for `\(line)`") }
        }
        guard status == 0 else { throw Failure("`\(line)` failed", hint: "its messages are above") }
        return String(decoding: output, as: UTF8.self)
    }

    /// Starts a program whose stdout is read by the caller, who closes the descriptor and waits for the process.
    /// - Parameters:
    ///   - arguments: the program's path and its arguments.
    ///   - name: what it is called in messages.
    static func start(_ arguments: [String], named name: String) throws(Failure) -> (process: pid_t, output: CInt) {
        var ends: [CInt] = [0, 0]
        guard pipe(&ends) == 0 else { throw .system("cannot start \(name)") }
        // The child's copy is made by dup2, which clears the flag.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let fault = posix_spawn(&process, arguments[0], &actions, nil, words, environ)
        close(ends[1])
        guard fault == 0 else {
            close(ends[0])
            throw Failure("cannot start \(name): \(String(cString: strerror(fault)))")
        }
        return (process, ends[0])
    }
}
