import Glibc

/// A kept-alive HTTP/1.1 connection over the Unix socket, one request at a time.
final class ProducerConnection {
    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 1 << 20)
    private var outgoing: [UInt8] = []

    init(socket path: String) throws(Failure) {
        descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if status != 0 { throw .system("cannot connect to \(path)") }
    }

    deinit { close(descriptor) }

    /// Sends a request and returns how much of what is in it was accepted.
    func post(_ request: any ProducerRequest) throws(Failure) -> Int {
        let body = request.bytes
        let head =
            "POST \(request.path) HTTP/1.1\r\nhost: sluice\r\ncontent-type: application/json\r\n"
            + "content-length: \(body.count)\r\n\r\n"
        // In one piece: a host that is waked by the head alone reads twice.
        outgoing.removeAll(keepingCapacity: true)
        outgoing += head.utf8
        outgoing += body
        try send(outgoing)
        var count = 0
        while true {
            let got = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + count, $0.count - count) }
            guard got > 0 else { throw .system("the host closed the connection") }
            count += got
            switch Self.answer(in: buffer[..<count], receipt: request.receipt) {
            case .partial: break
            case .accepted(let count): return count
            case .refused:
                throw Failure("the host refused: \(String(decoding: buffer[..<min(count, 2000)], as: UTF8.self))")
            }
            if count == buffer.count { buffer += [UInt8](repeating: 0, count: count) }
        }
    }

    private func send(_ bytes: [UInt8]) throws(Failure) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + done, $0.count - done) }
            guard count > 0 else { throw .system("cannot send to the host") }
            done += count
        }
    }

    private enum Answer {
        case partial, refused
        /// How many receipts there are.
        case accepted(Int)
    }

    private static func answer(in bytes: ArraySlice<UInt8>, receipt: StaticString) -> Answer {
        bytes.withUnsafeBytes { text in
            guard let end = find("\r\n\r\n", in: text, from: 0) else { return .partial }
            let head = String(decoding: text[..<end], as: UTF8.self).lowercased()
            guard let field = head.firstRange(of: "content-length: ") else { return .refused }
            let length = Int(head[field.upperBound...].prefix { $0.isNumber }) ?? 0
            guard text.count >= end + 4 + length else { return .partial }
            guard head.hasPrefix("http/1.1 200") else { return .refused }
            var count = 0
            var at = end
            while let next = find(receipt, in: text, from: at) {
                count += 1
                at = next + receipt.utf8CodeUnitCount
            }
            return .accepted(count)
        }
    }

    private static func find(_ needle: StaticString, in text: UnsafeRawBufferPointer, from: Int) -> Int? {
        guard let base = text.baseAddress else { return nil }
        let (length, first) = (needle.utf8CodeUnitCount, Int32(needle.utf8Start.pointee))
        var at = from
        while at + length <= text.count, let found = memchr(base + at, first, text.count - at - length + 1) {
            if memcmp(found, needle.utf8Start, length) == 0 { return UnsafeRawPointer(found) - base }
            at = UnsafeRawPointer(found) - base + 1
        }
        return nil
    }
}
