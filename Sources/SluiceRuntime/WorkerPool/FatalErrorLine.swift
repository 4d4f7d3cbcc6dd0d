import FunctionProtocol

/// What Swift's runtime writes to the standard error before it traps: `A/B.swift:27: Fatal error: no rows`. The
/// signal alone is the same for every `fatalError`, failed precondition, index out of range and unwrapped nil, which
/// are different errors to whoever groups them.
package struct FatalErrorLine: Sendable, Hashable {
    /// `Fatal error: no rows`.
    package var text: String
    /// `Chaos/Chaos.swift:27`; nil where the line has none, as in code of the standard library.
    package var place: String?

    /// More of a message is in the log.
    static let limit = 500

    /// The last such line of what an attempt wrote.
    package init?(in lines: [WorkerLogLine]) {
        for line in lines.reversed() where line.stream == .stderr {
            guard let start = line.text.firstRange(of: "Fatal error") else { continue }
            // Nothing stands before it but a place: others write of fatal errors, too.
            let before = line.text[..<start.lowerBound]
            guard before.isEmpty || (before.hasSuffix(": ") && !before.dropLast(2).contains(" ")) else { continue }
            text = String(line.text[start.lowerBound...].prefix(Self.limit))
            // `Swift/ContiguousArrayBuffer.swift:675` says nothing to whoever wrote the handler; the backtrace does.
            place = before.isEmpty || before.hasPrefix("Swift/") ? nil : String(before.dropLast(2))
            return
        }
        return nil
    }

    /// With the handler's own words in quotes, which do not tell one kind of error from another: they may name what the
    /// event has, and a target whose every event traps must still be seen to fail in one way.
    package var words: String {
        guard let place else { return text }
        let parts = text.split(separator: ": ", maxSplits: 1)
        guard parts.count == 2, !parts[1].hasPrefix("Unexpectedly found nil") else { return "\(text), at \(place)" }
        return "\(parts[0]): \"\(parts[1].replacing("\"", with: "'"))\", at \(place)"
    }
}

extension AttemptReport.Outcome {
    /// A trap with the words that the handler's log has of it.
    func named(by lines: [WorkerLogLine]) -> Self {
        guard case .failure(var failure) = self, failure.code == "WorkerCrashed",
            failure.message.contains(CrashReport.trap), let line = FatalErrorLine(in: lines)
        else { return self }
        failure.message = "the handler crashed: \(line.words)"
        return .failure(failure)
    }
}
