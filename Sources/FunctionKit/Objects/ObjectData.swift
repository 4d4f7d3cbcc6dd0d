/// An object that is open for reading: as bytes, as a stream, by descriptor or by path. The bytes come straight from
/// the file and are those of one version, whatever happens to the key meanwhile. Closed with its last owner.
public final class ObjectData: Sendable {
    public let info: ObjectInfo
    private let descriptor: Descriptor

    init(info: ObjectInfo, descriptor: Descriptor) {
        self.info = info
        self.descriptor = descriptor
    }

    private var name: String { info.location.description }

    /// Bytes.
    public var size: Int64 { info.size }

    /// The whole object in memory. Mind the function's memory limit: `chunks` streams.
    public func read() async throws -> [UInt8] {
        var bytes = try descriptor.read(Int(info.size), at: 0, of: name)
        // The size is the index's; a file that has grown under us is read to its end, and the host notices the change.
        while true {
            let more = try descriptor.read(1 << 16, at: Int64(bytes.count), of: name)
            if more.isEmpty { return bytes }
            bytes += more
        }
    }

    /// The whole object as text. Throws `HandlerError` with code `InvalidEncoding` when it is not UTF-8.
    public func text() async throws -> String {
        guard let text = String(validating: try await read(), as: UTF8.self) else {
            throw HandlerError(code: "InvalidEncoding", message: "\(name) is not a UTF-8 text", retry: false)
        }
        return text
    }

    /// Part of the object; shorter where the object ends before.
    public func read(_ range: Range<Int64>) async throws -> [UInt8] {
        try descriptor.read(Int(range.upperBound - range.lowerBound), at: range.lowerBound, of: name)
    }

    /// The object from its beginning in chunks of `size` bytes, the last one shorter. Each loop begins anew.
    public func chunks(of size: Int = 1 << 20) -> Chunks { Chunks(data: self, size: max(1, size)) }

    /// Lends the open descriptor, at the start of the file unless it was used before. Do not close it, nor keep it.
    public func withDescriptor<Result>(_ body: (Int32) async throws -> Result) async throws -> Result {
        let number = try descriptor.get(name)
        defer { withExtendedLifetime(self) {} }
        return try await body(number)
    }

    /// Lends a path (`/proc/self/fd/N`) for libraries that open files themselves. Valid within `body` only.
    public func withPath<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        try await withDescriptor { try await body("/proc/self/fd/\($0)") }
    }

    /// Closes the object before its last owner is gone.
    public func close() { descriptor.close() }

    /// See `chunks(of:)`.
    public struct Chunks: AsyncSequence, Sendable {
        public typealias Element = [UInt8]
        let data: ObjectData
        let size: Int

        public func makeAsyncIterator() -> Iterator { Iterator(data: data, size: size) }

        /// See `AsyncIteratorProtocol`.
        public struct Iterator: AsyncIteratorProtocol {
            let data: ObjectData
            let size: Int
            private var offset: Int64 = 0

            init(data: ObjectData, size: Int) {
                self.data = data
                self.size = size
            }

            public mutating func next() async throws -> [UInt8]? {
                let chunk = try data.descriptor.read(size, at: offset, of: data.name)
                offset += Int64(chunk.count)
                return chunk.isEmpty ? nil : chunk
            }
        }
    }
}
