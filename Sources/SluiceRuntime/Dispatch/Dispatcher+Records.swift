import FunctionJSON
import FunctionProtocol
package import HostAPI
import Journal
import UVLoop

/// What an invocation's row holds beside its columns.
package struct InvocationDetails: Codable, Sendable {
    /// The handler's output as text, at most 64 KiB of it.
    package var output: String
    /// What it published.
    package var effects: [EffectInfo]
    package var backtrace: [String]
    package var rule: String
}

extension Dispatcher {
    /// The row of an invocation that published nothing. `effects`: the events that tell of its outcome.
    func record(
        _ context: AttemptContext, _ report: AttemptReport, _ verdict: Verdict, _ resolutions: [Resolution],
        _ logs: LogReference, effects: [EffectInfo] = []
    ) -> InvocationRecord {
        var code = ""
        var message = ""
        switch verdict {
        case .succeeded: break
        case .superseded: break
        case .failed(let summary, _), .failedBeside(_, let summary, _):
            code = summary.code
            message = summary.message
        case .records(let verdicts):
            var partial = PartialFailure()
            for verdict in verdicts {
                switch verdict {
                case .failed(let summary, _): partial.add(code: summary.code, message: summary.message)
                case .notReached: partial.addNotReached()
                case .succeeded, .dropped, .superseded: break
                }
            }
            if let failure = partial.failure(of: verdicts.count) {
                (code, message) = (failure.code, failure.message)
            }
        }
        var output = ""
        if case .success(let bytes) = report.outcome { output = Self.text(bytes) }
        return InvocationRecord(
            attempt: context.id, invocationID: context.invocationID,
            subscription: context.settings?.id, function: context.attempt.function,
            version: context.version.version, eventIDs: context.attempt.works.map(\.eventID),
            attemptNumber: context.attempt.number, started: context.startedWall,
            durationMicroseconds: report.durationMicroseconds, outcome: verdict.outcome.rawValue, code: code,
            message: message,
            coldStart: report.coldStart,
            details: JSONText.encode(
                InvocationDetails(output: output, effects: effects, backtrace: report.backtrace, rule: context.rule)),
            logFile: logs.file, logOffset: logs.offset, logLength: logs.length)
    }

    nonisolated static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.prefix(64 << 10), as: UTF8.self)
    }
}
