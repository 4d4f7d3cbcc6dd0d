/// A staged file that is being written; it becomes an object when the invocation succeeds.
public final class ObjectWriter: Sendable {
    /// Where it will be.
    public let location: ObjectLocation
    let staged: Descriptor
    let stage: Int

    init(location: ObjectLocation, staged: Descriptor, stage: Int) {
        self.location = location
        self.staged = staged
        self.stage = stage
    }

    /// Appends bytes. Throws `HostRefusal` (`NoSpace`, `IOFailed`).
    public func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }

    /// Appends the text's UTF-8.
    public func write(_ text: String) throws {
        var text = text
        try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
    }

    /// Appends bytes.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        try staged.write(bytes, to: location.description)
    }

    /// The open descriptor, for libraries that write by themselves. Valid within the closure of `put`; do not close it.
    /// Every copy of it (`dup`, a child process) must be closed before the handler returns.
    public var descriptor: Int32 {
        get throws { try staged.get(location.description) }
    }

    /// A path (`/proc/self/fd/N`) for libraries that open files themselves. Valid within the closure of `put`.
    public var path: String {
        get throws { "/proc/self/fd/\(try descriptor)" }
    }
}
