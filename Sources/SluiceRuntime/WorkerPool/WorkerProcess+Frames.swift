import CFunctionABI
package import FunctionProtocol
import Glibc

extension Frame {
    /// The INVOKE of a request (sluice_wire.h). A batch may have megabytes: its events are copied here, and not before.
    static func invoke(_ request: AttemptRequest) -> [UInt8] {
        let identifier = request.requestID.utf8
        let invocation = request.invocationID.utf8
        let sizes = sluice_wire_invoke(
            timeout_ns: UInt64(request.timeout * 1_000_000_000), attempt: UInt32(request.attempt),
            request_id_count: UInt32(identifier.count), invocation_id_count: UInt32(invocation.count),
            payload_count: UInt32(request.payload.count))
        let count = MemoryLayout.size(ofValue: sizes) + identifier.count + invocation.count + request.payload.count
        // Not by way of a body.
        var bytes = Frame.head(
            type: UInt32(SLUICE_FRAME_INVOKE), id: request.id,
            code: request.batch ? UInt32(SLUICE_INVOCATION_BATCH) : 0, bodyCount: count)
        withUnsafeBytes(of: sizes) { bytes.append(contentsOf: $0) }
        bytes += identifier
        bytes += invocation
        request.payload.append(to: &bytes)
        return bytes
    }
}

extension AttemptReport.Outcome {
    /// Each of so many works has succeeded: no record was dropped or failed, and none has no result.
    func isPlainSuccess(of count: Int) -> Bool {
        switch self {
        case .success: true
        case .failure: false
        case .batch(let answer): answer.results.count == count && answer.results.allSatisfy { $0.status == .ok }
        }
    }

    /// A worker's RESULT.
    package init(code: UInt32, body: [UInt8]) {
        switch code {
        case UInt32(SLUICE_OUTCOME_SUCCESS):
            self = .success(body)
        case UInt32(SLUICE_OUTCOME_BATCH):
            if let answer = JSONText.decode(BatchAnswer.self, from: body) {
                self = .batch(answer.bounded)
            } else {
                self = .failure(
                    Failure(code: "MalformedAnswer", message: "the batch's answer cannot be read", retry: nil))
            }
        case UInt32(SLUICE_OUTCOME_ERROR):
            self = .failure(
                JSONText.decode(Failure.self, from: body)?.bounded
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

extension Failure {
    private static let maximumCode = 200
    private static let maximumMessage = 16 << 10

    /// What is kept of a handler's words, for every attempt, in several places.
    package var bounded: Failure {
        Failure(
            code: Self.cut(code, to: Self.maximumCode), message: Self.cut(message, to: Self.maximumMessage),
            retry: retry)
    }

    private static func cut(_ text: String, to bytes: Int) -> String {
        guard text.utf8.count > bytes else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: bytes)
        while end > text.startIndex, end.samePosition(in: text.unicodeScalars) == nil {
            end = text.utf8.index(before: end)
        }
        return String(text[..<end]) + "…"
    }
}

extension BatchAnswer {
    var firstFailed: Result? { results.first { $0.status == .failed } }

    /// What one batch's failures may have together: many small ones, or some at length.
    private static let maximumMessages = 1 << 20

    var bounded: BatchAnswer {
        var room = Self.maximumMessages
        return BatchAnswer(
            results: results.map { result in
                guard var failure = result.failure?.bounded else { return result }
                if failure.message.utf8.count > room { failure.message = "" }
                room -= failure.message.utf8.count
                return Result(status: result.status, failure: failure)
            })
    }
}
