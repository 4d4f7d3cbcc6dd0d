public import FunctionKit
import Glibc

/// Does to itself whatever the event asks for: the integration tests' way to every kind of failure.
public struct FaultyHandler: Handler {
    public struct Request: Codable, Sendable {
        /// See the switch below.
        public var mode: String
        public var bucket: String?
        public var key: String?
        public var count: Int?
    }

    /// An event of the bus, or what S3's own triggers send.
    public enum Input: Decodable, Sendable {
        case event(Event<Request>)
        case notification(S3Notification)

        private enum Keys: String, CodingKey {
            case records = "Records"
        }

        public init(from decoder: any Decoder) throws {
            if try decoder.container(keyedBy: Keys.self).contains(.records) {
                self = .notification(try S3Notification(from: decoder))
            } else {
                self = .event(try Event<Request>(from: decoder))
            }
        }
    }

    public init() {}

    public func handle(_ input: Input, context: Context) async throws -> String {
        let event: Event<Request>
        switch input {
        case .event(let received): event = received
        case .notification(let notification):
            // Reads what the records name, as a handler of S3's triggers does.
            for record in notification.records {
                let key = record.s3.object.decodedKey ?? ""
                let content = try await context.objects.get(record.s3.bucket.name, key).text()
                context.logger.info("\(record.eventName) \(record.s3.object.key): \(content)")
                // A pipeline that triggers itself: each object of `loop/` makes the next.
                if let number = key.hasPrefix("loop/") ? Int(key.dropFirst(5)) : nil {
                    try await context.objects.put(record.s3.bucket.name, "loop/\(number + 1)", content)
                }
            }
            return "notified"
        }
        let request = event.detail
        switch request.mode {
        case "ok":
            return "fine"
        case "throw":
            throw HandlerError(code: "Deliberate", message: "thrown on purpose", retry: false)
        case "throw-transient":
            throw HandlerError(code: "DeliberateTransient", message: "thrown on purpose", retry: true)
        case "fail-once":
            if context.attempt == 1 { throw HandlerError(code: "FirstAttempt", message: "the first one always fails") }
            return "attempt \(context.attempt)"
        case "trap":
            fatalError("trapped on purpose")
        case "index":
            return String(event.id.utf8.map { $0 }[request.count ?? 1000])
        case "exit":
            exit(3)
        case "overflow":
            return String(Self.recurse(0))
        case "allocate":
            return String(Self.allocate(bytes: 10 << 30))
        case "grow":
            var kept: [[UInt8]] = []
            while true { kept.append([UInt8](repeating: UInt8(kept.count & 255), count: 1 << 22)) }
        case "loop":
            while true { Self.spin() }
        case "shout":
            let line = String(repeating: "x", count: 1000)
            for number in 0..<(request.count ?? 5000) { print("\(number) \(line)") }
            return "shouted"
        case "speak":
            print("to stdout")
            _ = "to stderr\n".utf8.withContiguousStorageIfAvailable { write(2, $0.baseAddress, $0.count) }
            context.logger.info("to the logger", metadata: ["answer": "42"])
            return "spoken"
        case "put":
            try await context.objects.put(request.bucket ?? "", request.key ?? "", "made")
            return "put"
        case "put-then-trap":
            try await context.objects.put(request.bucket ?? "", request.key ?? "", "made")
            fatalError("trapped after staging")
        case "put-generated":
            let key = try await context.objects.generateKey(request.bucket ?? "", prefix: "made/", suffix: ".txt")
            try await context.objects.put(request.bucket ?? "", key, event.id)
            return key
        case "overwrite":
            try await context.objects.put(request.bucket ?? "", request.key ?? "", "new", overwrite: true)
            return "overwritten"
        case "put-signed":
            // Tells which event, by which way, and which attempt has made it.
            try await context.objects.put(
                request.bucket ?? "", request.key ?? "",
                "\(event.id) \(event.replayedFrom ?? "first") \(context.requestID)")
            return "put"
        case "put-replayed":
            // Tells by which replay it was made; as often as it likes.
            try await context.objects.put(
                request.bucket ?? "", request.key ?? "", "\(event.id) \(event.replayName ?? "first")", overwrite: true)
            return "put"
        case "put-version":
            // What this version of the function is made to say, as an object and as an event.
            let content = getenv("CONTENT").map { String(cString: $0) } ?? ""
            if content == "fail" {
                throw HandlerError(code: "ThisVersion", message: "this version fails", retry: false)
            }
            try await context.objects.put(request.bucket ?? "", request.key ?? "", content, overwrite: true)
            _ = try await context.events.put(
                source: "test.faulty", detailType: "Made", detail: ["key": request.key ?? "", "said": content])
            return "put"
        case "copy":
            try await context.objects.copy(
                from: ObjectLocation(bucket: "inbox", key: request.key ?? ""),
                to: ObjectLocation(bucket: request.bucket ?? "", key: request.key ?? ""))
            return "copied"
        case "put-two":
            // The second one goes to a key that a test has made impossible.
            try await context.objects.put(request.bucket ?? "", "first/" + (request.key ?? ""), "made")
            try await context.objects.put(request.bucket ?? "", request.key ?? "", "made")
            return "put"
        case "put-large":
            // `count` objects of 700 KB each, one after the other.
            for number in 0..<(request.count ?? 1) {
                try await context.objects.put(request.bucket ?? "", "\(number)") { writer in
                    for _ in 0..<700 { try writer.write([UInt8](repeating: 0x61, count: 1000)) }
                }
            }
            return "put"
        case "put-huge":
            try await context.objects.put(request.bucket ?? "", "huge") { writer in
                for _ in 0..<2000 { try writer.write([UInt8](repeating: 0x61, count: 1000)) }
            }
            return "put"
        case "wait":
            // Until the one who holds the pipe's other end lets go of it.
            try Self.drain(request.key ?? "")
            return "waited"
        case "copy-then-exit":
            // While the host is still copying, the worker is gone.
            let (bucket, key) = (request.bucket ?? "", request.key ?? "")
            Task.detached {
                try await context.objects.copy(
                    from: ObjectLocation(bucket: "inbox", key: key), to: ObjectLocation(bucket: bucket, key: key))
            }
            usleep(UInt32(request.count ?? 0))
            exit(3)
        case "delete":
            try await context.objects.delete(request.bucket ?? "", request.key ?? "")
            return "deleted"
        case "forbidden":
            return try await context.objects.get("secret", "x").text()
        case "emit":
            return try await context.events.put(source: "test.faulty", detailType: "Echo", detail: ["mode": "emit"])
        default:
            throw HandlerError(code: "UnknownMode", message: "there is no mode \(request.mode)", retry: false)
        }
    }

    /// Reads a file or a named pipe to its end.
    private static func drain(_ path: String) throws {
        let pipe = open(path, O_RDONLY | O_CLOEXEC)
        guard pipe >= 0 else {
            throw HandlerError(code: "NoPipe", message: "\(path): \(String(cString: strerror(errno)))", retry: false)
        }
        defer { close(pipe) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        while read(pipe, &buffer, buffer.count) > 0 {}
    }

    @inline(never)
    private static func recurse(_ depth: Int) -> Int {
        var padding = (depth, depth, depth, depth, depth, depth, depth, depth)
        return withUnsafeMutablePointer(to: &padding) { recurse(depth + 1) + $0.pointee.0 }
    }

    @inline(never)
    private static func allocate(bytes: Int) -> Int {
        [UInt8](repeating: 1, count: bytes).count
    }

    @inline(never)
    private static func spin() {}
}
