import FunctionProtocol
import UVLoop

/// Buses and streams that a deployment takes away: what is decided is put there before, and nothing is decided after.
extension Publisher {
    /// Why an outcome cannot be decided: a bus or stream that it puts something into is gone, or is about to be.
    func missingLog(of decision: Decision) -> Failure? {
        decision.logs.sorted().lazy.compactMap { [router = announcer.router] in router.missing(log: $0) }.first
    }

    package func fill(_ logs: Set<String>) {
        for log in logs { filling[log, default: 0] += 1 }
    }

    package func filled(_ logs: Set<String>) {
        for log in logs {
            let count = (filling[log] ?? 1) - 1
            filling[log] = count > 0 ? count : nil
        }
    }

    /// Waits until nothing that is decided puts anything into one of the logs; what is still under way after the time,
    /// because of a disk that is full or slow. New decisions must be refused by then, or it has no end.
    package func waitUntilFilled(_ logs: Set<String>, milliseconds: Int) async -> [String] {
        awaited = logs
        defer { awaited = [] }
        let step = 10
        for _ in 0..<max(1, milliseconds / step) where logs.contains(where: { filling[$0] != nil }) {
            await LoopPause.sleep(milliseconds: step)
        }
        return logs.filter { filling[$0] != nil }.sorted()
    }
}
