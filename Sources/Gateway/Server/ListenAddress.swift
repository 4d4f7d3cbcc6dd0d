import Glibc
package import HostAPI

/// Where `--listen` binds: `8080`, `127.0.0.1:8080`, `[::1]:8080`, `name:8080`. Without a host: this machine only.
package struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    package var host: String
    /// 0: any free one.
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Nil if the text is no such address.
    package init?(_ text: String) {
        let colon = text.lastIndex(of: ":")
        let digits = colon.map { text[text.index(after: $0)...] } ?? text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits) else {
            return nil
        }
        var host = colon.map { String(text[..<$0]) } ?? "127.0.0.1"
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.init(host: host, port: Int(port))
    }

    /// Throws `Unavailable` where nothing can listen here, as far as that can be told before the attempt.
    /// - Parameter patience: how long another program's port is waited for: a host that was killed is on its way out
    ///   for a while.
    package func requireFree(patience: Duration = .zero) async throws(APIError) {
        let began = ContinuousClock.now
        var found = obstacle
        while found == EADDRINUSE, ContinuousClock.now - began < patience, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(20))
            found = obstacle
        }
        guard let obstacle = found else { return }
        throw .unavailable(
            "the host cannot listen on \(self): \(String(cString: strerror(obstacle)))",
            hint: "use another address with --listen, or none")
    }

    /// Why nothing can listen here, as an error number; nil: something can, or only the attempt will tell.
    private var obstacle: CInt? {
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &found) == 0, let first = found else { return nil }
        defer { freeaddrinfo(first) }
        let socket = Glibc.socket(first.pointee.ai_family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return errno }
        defer { close(socket) }
        var yes: CInt = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        return bind(socket, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0 ? nil : errno
    }

    package var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
