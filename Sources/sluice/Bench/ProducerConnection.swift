import Glibc

/// A kept-alive HTTP/1.1 connection over the Unix socket, one request at a time.
final class ProducerConnection {
    private let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 1 << 20)

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
        try send(Array(head.utf8), body)
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

    /// With one call: a host that is waked by the head alone reads twice.
    private func send(_ head: [UInt8], _ body: [UInt8]) throws(Failure) {
        var done = 0
        while done < head.count + body.count {
            let count = head.withUnsafeBytes { head in
                body.withUnsafeBytes { body in
                    var parts: [iovec] = []
                    var skipped = done
                    for part in [head, body] {
                        if skipped >= part.count {
                            skipped -= part.count
                            continue
                        }
                        parts.append(
                            iovec(
                                iov_base: UnsafeMutableRawPointer(mutating: part.baseAddress! + skipped),
                                iov_len: part.count - skipped))
                        skipped = 0
                    }
                    return writev(descriptor, parts, Int32(parts.count))
                }
            }
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
            let head = UnsafeRawBufferPointer(rebasing: text[..<end])
            // As the host writes it: by itself, or by way of its HTTP framework.
            let known = find("content-length: ", in: head, from: 0) ?? find("Content-Length: ", in: head, from: 0)
            guard let field = known else { return .refused }
            var length = 0
            for digit in head[(field + 16)...].prefix(while: { $0 &- UInt8(ascii: "0") < 10 }) {
                length = length * 10 + Int(digit &- UInt8(ascii: "0"))
            }
            guard text.count >= end + 4 + length else { return .partial }
            guard find("HTTP/1.1 200", in: head, from: 0) == 0 else { return .refused }
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
