import CFunctionABI
import FunctionProtocol
import Glibc

extension Frame {
    /// The INVOKE of a request (sluice_wire.h).
    static func invoke(_ request: AttemptRequest) -> [UInt8] {
        let identifier = request.requestID.utf8
        let invocation = request.invocationID.utf8
        let sizes = sluice_wire_invoke(
            timeout_ns: UInt64(request.timeout * 1_000_000_000), attempt: UInt32(request.attempt),
            request_id_count: UInt32(identifier.count), invocation_id_count: UInt32(invocation.count),
            payload_count: UInt32(request.payload.count))
        var body: [UInt8] = []
        body.reserveCapacity(32 + identifier.count + invocation.count + request.payload.count)
        withUnsafeBytes(of: sizes) { body.append(contentsOf: $0) }
        body += identifier
        body += invocation
        body += request.payload
        return Frame.bytes(
            type: UInt32(SLUICE_FRAME_INVOKE), id: request.id,
            code: request.batch ? UInt32(SLUICE_INVOCATION_BATCH) : 0,
            body: body)
    }
}

extension AttemptReport.Outcome {
    /// A worker's RESULT.
    init(code: UInt32, body: [UInt8]) {
        switch code {
        case UInt32(SLUICE_OUTCOME_SUCCESS):
            self = .success(body)
        case UInt32(SLUICE_OUTCOME_BATCH):
            if let answer = JSONText.decode(BatchAnswer.self, from: body) {
                self = .batch(answer)
            } else {
                self = .failure(
                    Failure(code: "MalformedAnswer", message: "the batch's answer cannot be read", retry: nil))
            }
        case UInt32(SLUICE_OUTCOME_ERROR):
            self = .failure(
                JSONText.decode(Failure.self, from: body)
                    ?? Failure(code: "HandlerFailed", message: String(decoding: body.prefix(2000), as: UTF8.self)))
        default:
            self = .failure(
                Failure(code: "ProtocolError", message: "the worker answered with the unknown status \(code)"))
        }
    }
}

extension WorkerReply {
    /// Nobody wants it any more.
    func discard() {
        if case .success(_, let descriptor?) = self { Glibc.close(descriptor) }
    }
}
