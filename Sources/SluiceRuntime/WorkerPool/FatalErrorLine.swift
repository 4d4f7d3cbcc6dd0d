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
        guard let line = lines.last(where: { $0.stream == .stderr && $0.text.contains("Fatal error") }),
            let start = line.text.firstRange(of: "Fatal error")
        else { return nil }
        let before = line.text[..<start.lowerBound]
        text = String(line.text[start.lowerBound...].prefix(Self.limit))
        place = before.hasSuffix(": ") ? String(before.dropLast(2)) : nil
        // `Swift/ContiguousArrayBuffer.swift:675` says nothing to whoever wrote the handler; the backtrace does.
        if place?.hasPrefix("Swift/") == true || place?.contains(" ") == true { place = nil }
    }
}

extension AttemptReport.Outcome {
    /// A trap with the words that the handler's log has of it.
    func named(by lines: [WorkerLogLine]) -> Self {
        guard case .failure(var failure) = self, failure.code == "WorkerCrashed",
            failure.message.contains(CrashReport.trap), let line = FatalErrorLine(in: lines)
        else { return self }
        failure.message = "the handler crashed: \(line.text)\(line.place.map { ", at \($0)" } ?? "")"
        return .failure(failure)
    }
}
