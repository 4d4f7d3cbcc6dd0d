import FunctionProtocol
import HostAPI
import Journal
import Logging
import UVLoop

extension Verdict {
    /// Failed records of a batch that its log names.
    private static let maximumNamed = 20

    /// How the invocation failed, as lines of its log; none where it did not.
    func failureLines(at time: Milliseconds) -> [WorkerLogLine] {
        func line(_ text: String) -> WorkerLogLine {
            WorkerLogLine(stream: .host, level: "error", time: time, text: text)
        }
        switch self {
        case .succeeded, .superseded: return []
        case .failed(let summary, _), .failedBeside(_, let summary, _):
            return [line("failed: \(summary.code): \(summary.message)")]
        case .records(let verdicts):
            var lines: [WorkerLogLine] = []
            var count = 0
            for (index, verdict) in verdicts.enumerated() {
                guard case .failed(let summary, _) = verdict else { continue }
                count += 1
                guard count <= Self.maximumNamed else { continue }
                lines.append(line("record \(index) failed: \(summary.code): \(summary.message)"))
            }
            if count > Self.maximumNamed {
                lines.append(line("… and \(count - Self.maximumNamed) more records failed"))
            }
            return lines
        }
    }
}

extension Dispatcher {
    /// The dead letter that a work was redriven from, as it was before.
    func letter(of work: Work) async -> DeadLetter? {
        guard let id = work.deadLetter else { return nil }
        return await inputs.letter(id)
    }

    private static let maximumKinds = 1000

    /// A message may have been written by a handler, as long as it liked.
    private static func short(_ message: String) -> String {
        message.utf8.count <= 1000 ? message : message.prefix(1000) + "…"
    }

    /// The host's log names each kind of dead letter once, not each dead letter.
    /// `target`: what ran.
    func warnOfNewKind(_ death: Death, of work: Work, target: String) {
        // Who invokes by hand is told of the failure, and no dead letter is made of it.
        if case .direct = work.source { return }
        guard knownDeaths.count < Self.maximumKinds,
            knownDeaths.insert(Fingerprint.of(target: target, code: death.code, message: death.message)).inserted
        else { return }
        log.warning(
            "a dead letter of a new kind; `sluice dlq list` shows it and those like it",
            metadata: [
                "function": "\(TargetName.shown(target))", "code": "\(death.code)",
                "message": "\(Self.short(death.message))",
                "event": "\(work.eventID)",
            ])
    }
}
