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
            var text = try OutsideFile.read(path, most: 64 << 10, code: "SecretMissing")
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

/// A file that a target names, as it is when an attempt begins.
enum OutsideFile {
    /// At most `most` bytes of it. Blocking. Throws `code`, with the file and why it cannot be read.
    static func read(_ path: String, most: Int, code: String) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable(path, code) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(most, 64 << 10))
        while bytes.count < most {
            let count = Glibc.read(descriptor, &buffer, min(buffer.count, most - bytes.count))
            guard count >= 0 else { throw unreadable(path, code) }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    private static func unreadable(_ path: String, _ code: String) -> Failure {
        Failure(
            code: code, message: "the file \(path) cannot be read: \(String(cString: strerror(errno)))", retry: true)
    }
}

extension WebhookDefinition {
    /// The certificates to be trusted beside the system's, as they are now; nil: none. Blocking.
    func readAuthorities() throws(Failure) -> [UInt8]? {
        guard let caFile else { return nil }
        let bytes = try OutsideFile.read(caFile, most: 4 << 20, code: "WebhookUnreachable")
        guard String(decoding: bytes, as: UTF8.self).contains("-----BEGIN ") else {
            throw Failure(
                code: "WebhookUnreachable", message: "the file \(caFile) (`caFile`) holds no certificate in PEM form",
                retry: true)
        }
        return bytes
    }

    /// The URL as it is now. Blocking for a file. Throws `SecretMissing` where it cannot be had, or is none.
    func readURL() throws(Failure) -> String {
        guard let secretURL else { return url }
        let text = try secretURL.read()
        guard let problem = Self.problem(of: text) else { return text }
        // Nothing of what it is: it is a secret.
        throw Failure(code: "SecretMissing", message: "\(shownURL) \(problem)")
    }
}
