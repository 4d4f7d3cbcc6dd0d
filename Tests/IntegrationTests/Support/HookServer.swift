import Foundation
import Glibc
import Synchronization

/// A small HTTP server that answers what a test has prepared, one connection after the other, and remembers what it was
/// asked.
final class HookServer: Sendable {
    struct Request: Sendable {
        var line: String
        /// Names in lower case.
        var headers: [String: String]
        var body: String
    }

    private struct State {
        var answers: [@Sendable (Request) -> String] = []
        var requests: [Request] = []
    }

    let port: Int
    private let listener: Int32
    private let state = Mutex(State())

    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { plain in
                bind(listener, plain, length) == 0 && listen(listener, 64) == 0
                    && getsockname(listener, plain, &length) == 0
            }
        }
        guard listener >= 0, bound else { throw HostProcess.Failure(description: "no socket: \(errno)") }
        self.listener = listener
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                Thread.detachNewThread { self.serve(connection) }
            }
        }
    }

    /// What comes next: whole answers, headers included; when there is none left it is 200.
    func prepare(_ answers: String...) {
        state.withLock { $0.answers += answers.map { answer in { @Sendable _ in answer } } }
    }

    /// What comes next, made from the request.
    func prepare(_ answer: @escaping @Sendable (Request) -> String) {
        state.withLock { $0.answers.append(answer) }
    }

    static func answer(_ status: String, _ headers: String = "", body: String = "") -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
    }

    var requests: [Request] { state.withLock { $0.requests } }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private func serve(_ connection: Int32) {
        defer { close(connection) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            while let request = Self.take(&bytes) {
                let answer = state.withLock { state in
                    state.requests.append(request)
                    return state.answers.isEmpty ? Self.answer("200 OK") : state.answers.removeFirst()(request)
                }
                // An empty answer is a server that hangs up.
                if answer.isEmpty { return }
                let whole = Array(answer.utf8)
                _ = send(connection, whole, whole.count, Int32(MSG_NOSIGNAL))
            }
            let count = read(connection, &buffer, buffer.count)
            guard count > 0 else { return }
            bytes += buffer[..<count]
        }
    }

    private static func take(_ bytes: inout [UInt8]) -> Request? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        let head = text[..<end.upperBound].utf8.count
        guard bytes.count >= head + length else { return nil }
        let body = String(decoding: bytes[head..<(head + length)], as: UTF8.self)
        bytes.removeFirst(head + length)
        return Request(line: lines[0], headers: headers, body: body)
    }
}
