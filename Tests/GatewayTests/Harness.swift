import Gateway
import Glibc
import HostAPI
import Logging
import ServiceLifecycle

/// A gateway in front of a fake host, in a data folder of its own.
enum Harness {
    struct Running: Sendable {
        let client: HostClient
        let host: FakeHost
        let dataFolder: String
        let listening: ListenAddress?
        /// Begins the graceful shutdown.
        let stop: @Sendable () async -> Void
    }

    static func temporaryFolder(depth: Int = 0) -> String {
        var path = "/tmp/sluice-gateway-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        mkdir(path, 0o700)
        for _ in 0..<depth {
            path += "/" + String(repeating: "d", count: 60)
            mkdir(path, 0o700)
        }
        return path
    }

    /// Runs the body once requests are answered; then stops the gateway and returns when it has stopped.
    static func with<Value: Sendable>(
        depth: Int = 0, listen: ListenAddress? = nil, producers: ProducerLimits = ProducerLimits(),
        _ body: @Sendable @escaping (Running) async throws -> Value
    ) async throws -> Value {
        let folder = temporaryFolder(depth: depth)
        defer { remove(folder, depth: depth) }
        let host = FakeHost()
        let (ready, continuation) = AsyncStream<ListenAddress?>.makeStream()
        var log = Logger(label: "gateway")
        log.logLevel = .critical
        let service = GatewayService(
            control: host, dataFolder: folder, listen: listen, producers: producers, log: log
        ) { address in
            continuation.yield(address)
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: [.init(service: service)], logger: log))
        return try await withThrowingTaskGroup(of: Value?.self) { tasks in
            tasks.addTask {
                defer { continuation.finish() }
                try await group.run()
                return nil
            }
            tasks.addTask {
                guard let listening = await ready.first(where: { _ in true }) else { return nil }
                defer { Task { await group.triggerGracefulShutdown() } }
                return try await body(
                    Running(
                        client: HostClient(dataFolder: folder), host: host, dataFolder: folder, listening: listening,
                        stop: { await group.triggerGracefulShutdown() }))
            }
            var value: Value?
            while let result = try await tasks.next() { value = result ?? value }
            guard let value else { throw NotReady() }
            return value
        }
    }

    struct NotReady: Error {}

    private static func remove(_ path: String, depth: Int) {
        var path = path
        unlink(path + "/api.sock")
        for _ in 0...depth {
            rmdir(path)
            path = path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
        }
    }
}

/// A connection without Gateway's own client: sends bytes, reads until the other end closes.
enum RawHTTP {
    struct Failed: Error {
        var step: String
        var number = errno
    }

    static func tcp(_ address: ListenAddress, _ request: [UInt8]) async throws -> String {
        try await blocking {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = in_port_t(address.port).bigEndian
            name.sin_addr.s_addr = inet_addr(address.host)
            let connected = withUnsafePointer(to: &name) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard connected == 0 else { throw Failed(step: "connect") }
            return try exchange(descriptor, request)
        }
    }

    /// - Parameter ends: nothing more will be sent, and the host is told so.
    static func unix(_ path: String, _ request: [UInt8], ends: Bool = false) async throws -> String {
        try await blocking { try exchange(connected(path), request, ends: ends) }
    }

    /// Sends each of the parts once the answers to those before it are read as far as the mark that stands with them;
    /// then reads until the other end closes. Throws where that is too early.
    static func conversation(_ path: String, _ parts: [(send: String, until: String)]) async throws -> String {
        try await blocking {
            let descriptor = try connected(path)
            defer { close(descriptor) }
            var (answer, from) = ("", "".startIndex)
            for part in parts {
                try send(descriptor, Array(part.send.utf8))
                while answer[from...].firstRange(of: part.until) == nil {
                    guard let more = portion(of: descriptor) else {
                        throw Failed(step: "closed before \(part.until), after \(answer)")
                    }
                    let read = answer.utf8.distance(from: answer.startIndex, to: from)
                    answer += more
                    from = answer.utf8.index(answer.startIndex, offsetBy: read)
                }
                from = answer.endIndex
            }
            shutdown(descriptor, Int32(SHUT_WR))
            while let more = portion(of: descriptor) { answer += more }
            return answer
        }
    }

    private static func connected(_ path: String) throws -> CInt {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let connected = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { throw Failed(step: "connect") }
        return descriptor
    }

    static func request(
        _ method: String, _ path: String, headers: [String] = [], body: String = ""
    ) -> [UInt8] {
        var lines = ["\(method) \(path) HTTP/1.1", "host: x", "connection: close"] + headers
        if method == "POST" { lines.append("content-length: \(body.utf8.count)") }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
    }

    private static func exchange(_ descriptor: CInt, _ request: [UInt8], ends: Bool = false) throws -> String {
        defer { close(descriptor) }
        // The other end may answer, and close, before it has read everything.
        try? send(descriptor, request)
        if ends { shutdown(descriptor, Int32(SHUT_WR)) }
        var answer = ""
        while let more = portion(of: descriptor) { answer += more }
        return answer
    }

    private static func send(_ descriptor: CInt, _ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failed(step: "send") }
            sent += count
        }
    }

    /// What has come; nil: the other end has closed.
    private static func portion(of descriptor: CInt) -> String? {
        var portion = [UInt8](repeating: 0, count: 65536)
        let count = read(descriptor, &portion, portion.count)
        return count > 0 ? String(decoding: portion[..<count], as: UTF8.self) : nil
    }

    /// On a thread of its own: blocking calls must not hold a thread that the gateway needs.
    private static func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value
    {
        try await withCheckedThrowingContinuation { continuation in
            let box = Unmanaged.passRetained(ThreadBody { continuation.resume(with: Result { try body() }) })
            var thread = pthread_t()
            let fault = pthread_create(
                &thread, nil,
                { pointer in
                    if let pointer { Unmanaged<ThreadBody>.fromOpaque(pointer).takeRetainedValue().run() }
                    return nil
                }, box.toOpaque())
            if fault == 0 {
                pthread_detach(thread)
            } else {
                box.release()
                continuation.resume(throwing: Failed(step: "thread", number: fault))
            }
        }
    }
}

/// A closure as an object, to be passed through C.
private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}
