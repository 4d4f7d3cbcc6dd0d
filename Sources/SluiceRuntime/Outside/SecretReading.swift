import AppConfig
import FunctionProtocol
import Glibc

extension SecretText {
    /// The text as it is now. Blocking for a file. Throws `SecretMissing`, which names the variable or file and never
    /// what is in it.
    func read() throws(Failure) -> String {
        switch self {
        case .literal(let text): return text
        case .environment(let name):
            guard let value = getenv(name) else {
                throw Failure(
                    code: "SecretMissing", message: "the host has no environment variable \(name); start it with one")
            }
            return try Self.checked(String(cString: value), from: "the environment variable \(name)")
        case .file(let path):
            let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            guard descriptor >= 0 else {
                throw Failure(
                    code: "SecretMissing",
                    message: "the file \(path) cannot be read: \(String(cString: strerror(errno)))")
            }
            defer { close(descriptor) }
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count >= 0 else {
                throw Failure(
                    code: "SecretMissing",
                    message: "the file \(path) cannot be read: \(String(cString: strerror(errno)))")
            }
            var text = buffer[..<count]
            while let last = text.last, last == 0x0A || last == 0x0D { text.removeLast() }
            return try Self.checked(String(decoding: text, as: UTF8.self), from: "the file \(path)")
        }
    }

    /// A line feed in a header would begin another one.
    private static func checked(_ text: String, from source: String) throws(Failure) -> String {
        guard !text.utf8.contains(where: { $0 == 0 || $0 == 0x0A || $0 == 0x0D }) else {
            throw Failure(code: "SecretMissing", message: "\(source) holds a line feed or a NUL character")
        }
        return text
    }
}

extension WebhookDefinition {
    /// The URL as it is now. Blocking for a file. Throws `SecretMissing` where it cannot be had, or is none.
    func readURL() throws(Failure) -> String {
        guard let secretURL else { return url }
        let text = try secretURL.read()
        guard let problem = Self.problem(of: text) else { return text }
        // Nothing of what it is: it is a secret.
        throw Failure(code: "SecretMissing", message: "\(shownURL) \(problem)")
    }
}
