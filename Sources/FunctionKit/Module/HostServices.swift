package import CFunctionABI
import FunctionJSON
import FunctionProtocol

/// The operations of sluice_wire.h.
package enum HostOperation: Sendable {
    case openObject, headObject, listObjects, createStage, putStaged, discardStage, copyObject, moveObject
    case deleteObject, putEvents, getTable, registerFile, generateKey, putRecords

    package var code: UInt32 {
        switch self {
        case .openObject: SLUICE_CALL_OPEN_OBJECT
        case .headObject: SLUICE_CALL_HEAD_OBJECT
        case .listObjects: SLUICE_CALL_LIST_OBJECTS
        case .createStage: SLUICE_CALL_CREATE_STAGE
        case .putStaged: SLUICE_CALL_PUT_STAGED
        case .discardStage: SLUICE_CALL_DISCARD_STAGE
        case .copyObject: SLUICE_CALL_COPY_OBJECT
        case .moveObject: SLUICE_CALL_MOVE_OBJECT
        case .deleteObject: SLUICE_CALL_DELETE_OBJECT
        case .putEvents: SLUICE_CALL_PUT_EVENTS
        case .getTable: SLUICE_CALL_GET_TABLE
        case .registerFile: SLUICE_CALL_REGISTER_FILE
        case .generateKey: SLUICE_CALL_GENERATE_KEY
        case .putRecords: SLUICE_CALL_PUT_RECORDS
        }
    }
}

/// The reply `{}`.
package struct EmptyReply: Codable, Sendable {
    package init() {}
}

/// What the worker offers, through its C struct.
///
/// Unchecked: the struct is constant for the life of the process, and its functions are documented as safe to call from
/// any thread (sluice_abi.h).
package struct HostServices: @unchecked Sendable {
    private let services: UnsafePointer<sluice_worker_services>

    package init(_ services: UnsafePointer<sluice_worker_services>) { self.services = services }

    /// Asks the host, and blocks until it has answered. The descriptor is the caller's, or -1.
    func call(_ operation: HostOperation, _ request: [UInt8]) throws(HostRefusal) -> (reply: [UInt8], descriptor: Int32)
    {
        var reply: UnsafeMutablePointer<UInt8>?
        var count = 0
        var descriptor: Int32 = -1
        let table = services.pointee
        let status = request.withUnsafeBufferPointer {
            table.call(table.context, operation.code, $0.baseAddress, $0.count, -1, &reply, &count, &descriptor)
        }
        let bytes = Array(UnsafeBufferPointer(start: reply, count: reply == nil ? 0 : count))
        if let reply { table.release(table.context, reply) }
        switch status {
        case 0: return (bytes, descriptor)
        case 1:
            if descriptor >= 0 { Descriptor(descriptor).close() }
            guard let failure = try? TapeDecoder().decode(Failure.self, from: bytes) else {
                throw HostRefusal(
                    code: .malformedReply,
                    message:
                        "the host refused without saying why: \(String(decoding: bytes.prefix(200), as: UTF8.self))")
            }
            throw HostRefusal(
                code: HostRefusal.Code(rawValue: failure.code), message: failure.message, retry: failure.retry)
        default:
            throw HostRefusal(
                code: .hostGone, message: "the host has gone away; this worker is about to end", retry: true)
        }
    }

    /// One line of the function's logger.
    func log(_ level: Logger.Level, _ line: String) {
        var line = line
        let table = services.pointee
        line.withUTF8 { table.log(table.context, level.severity, $0.baseAddress, $0.count) }
    }
}
