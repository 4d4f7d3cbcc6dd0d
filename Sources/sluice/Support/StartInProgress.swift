import Foundation
import Logging
import ServiceLifecycle
import SluiceRuntime
import Synchronization
import UnixSignals

/// What `up` does beside a start: it says what takes so long, and heeds the signals that end a host from the first
/// moment on, in which there is no group of services yet that would.
final class StartInProgress: Sendable {
    let progress: StartProgress
    private let teller: Task<Void, Never>
    private let group = Mutex<ServiceGroup?>(nil)

    init(_ progress: StartProgress, log: Logger) {
        self.progress = progress
        teller = Task { [progress, log] in
            var last: String?
            // Most hosts are ready before there is anything to say.
            while (try? await Task.sleep(for: .seconds(1))) != nil, let step = progress.step {
                if step != last { log.notice("starting: \(step)") }
                last = step
            }
        }
    }

    /// Returns when signals are heeded; they are for the life of the process.
    func heedSignals() async {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        Task {
            for await _ in signals {
                let services = group.withLock { $0 }
                // A start that waits for the disk comes to no next step. To the next one this end is a `kill -9`.
                if services == nil, progress.isInterrupted {
                    FileHandle.standardError.write(Data("ended in the middle of the start\n".utf8))
                    _exit(1)
                }
                progress.interrupt()
                await services?.triggerGracefulShutdown()
            }
        }
    }

    /// From now on a signal ends the services; one that came before does so as well.
    func endsOnSignal(_ services: ServiceGroup) async {
        group.withLock { $0 = services }
        if progress.isInterrupted { await services.triggerGracefulShutdown() }
    }

    /// The host has started, or will not.
    func end() {
        progress.end()
        teller.cancel()
    }
}
