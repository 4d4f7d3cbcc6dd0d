import FunctionJSON
package import FunctionProtocol
import Synchronization

/// The life of one attempt: what its contexts share. Open while the handler runs; once closed, calls are refused.
package final class InvocationScope: Sendable {
    let requestID: String
    private let ids: InvocationIDs
    let attempt: Int
    /// Of CLOCK_MONOTONIC.
    let deadlineNanoseconds: UInt64
    let settings: FunctionConfiguration
    let logger: Logger
    private let services: HostServices
    /// Held during each call: closing waits for a call that a forgotten task has under way, so that none can reach the
    /// host after the outcome.
    private let isOpen = Mutex(true)

    /// `invocationIDs`: as they came, see `InvocationIDs`.
    package init(
        requestID: String, invocationIDs: [UInt8], attempt: Int, deadlineNanoseconds: UInt64,
        settings: FunctionConfiguration, logger: Logger, services: HostServices
    ) {
        self.requestID = requestID
        ids = InvocationIDs(invocationIDs)
        self.attempt = attempt
        self.deadlineNanoseconds = deadlineNanoseconds
        self.settings = settings
        self.logger = logger
        self.services = services
    }

    /// Of a record of a batch; nil: of the invocation as a whole.
    func invocationID(of record: Int?) -> String { ids.id(of: record) }

    package func close() {
        isOpen.withLock { $0 = false }
    }

    /// One operation whose reply has no descriptor.
    func call<Request: Encodable, Reply: Decodable>(
        _ operation: HostOperation, _ request: Request, reply: Reply.Type
    ) throws -> Reply {
        let (bytes, descriptor) = try exchange(operation, try TapeEncoder().encode(request))
        if descriptor >= 0 { Descriptor(descriptor).close() }
        return try decode(reply, bytes, operation)
    }

    /// One operation whose reply comes with a descriptor.
    func callForDescriptor<Request: Encodable, Reply: Decodable>(
        _ operation: HostOperation, _ request: Request, reply: Reply.Type
    ) throws -> (Reply, Descriptor) {
        let (bytes, number) = try exchange(operation, try TapeEncoder().encode(request))
        guard number >= 0 else {
            throw HostRefusal(code: .malformedReply, message: "the host answered \(operation) without a descriptor")
        }
        let descriptor = Descriptor(number)
        return (try decode(reply, bytes, operation), descriptor)
    }

    private func exchange(_ operation: HostOperation, _ request: [UInt8]) throws -> ([UInt8], Int32) {
        try isOpen.withLock { isOpen in
            guard isOpen else {
                throw HostRefusal(
                    code: .invocationEnded,
                    message: "\(operation) was asked of the context after the handler had returned; "
                        + "await every task that uses the context before returning",
                    retry: false)
            }
            return try services.call(operation, request)
        }
    }

    private func decode<Reply: Decodable>(_ type: Reply.Type, _ bytes: [UInt8], _ operation: HostOperation) throws
        -> Reply
    {
        do {
            return try TapeDecoder().decode(type, from: bytes)
        } catch let error as DecodingError {
            throw HostRefusal(
                code: .malformedReply,
                message: "the host's answer to \(operation) cannot be read: \(error.readableMessage)")
        }
    }
}
