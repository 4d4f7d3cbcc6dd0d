import FunctionJSON
import HostAPI
import Journal
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

/// What an operator asks of a host whose disk is full.
@Suite("Commands on a full disk", .timeLimit(.minutes(3)))
@LoopActor
struct FullDiskCommandTests {
    private static let rule =
        "pattern: {source: [shop]}\n"
        + "targets: [{function: InC, retryPolicy: {maximumRetryAttempts: 0}, ordering: {key: detail.k, onExhausted: park}}]"

    private enum Disk { case roomy, short, full }

    /// A host with two dead letters of keys, each with two events parked behind it.
    private func host() async throws -> HostInProcess {
        let host = try await HostInProcess(rules: ["r": Self.rule])
        let entries = try ["a", "b"].flatMap { key in
            try ["fail", "ok", "ok"].map {
                EventEntry(source: "shop", detailType: "Order", detail: try RawJSON(#"{"c":"\#($0)","k":"\#(key)"}"#))
            }
        }
        _ = try await host.control.putEvents(EventSubmission(entries: entries))
        try await host.wait { try await host.control.status().subscriptions.first?.parked == 4 ? () : nil }
        return host
    }

    /// A disk that is short takes what settles, and no work; one that is full nothing.
    private func fill(_ host: HostInProcess, _ disk: Disk) {
        host.journal.injectFault { batch in
            switch disk {
            case .roomy: nil
            case .short: batch.isProducer ? JournalError(.diskFull, "short") : nil
            case .full: JournalError(.diskFull, "full")
            }
        }
    }

    /// Something of the host's own is refused, and everything after it waits behind it.
    private func stick(_ host: HostInProcess) async {
        var batch = Batch()
        batch.appends = [
            Append(log: "default", eventID: "stuck", ingested: 0, payload: [], subscriptions: [], ruleSet: 0)
        ]
        while host.runtime.committer.trouble == nil {
            // With an outcome it gets through.
            let isWritten = Flag()
            host.runtime.committer.enqueue(batch) { _ in isWritten.set() }
            while host.runtime.committer.trouble == nil, !isWritten.isSet { await Task.yield() }
        }
    }

    private func replayed(_ host: HostInProcess, _ change: (inout ReplayRequest) -> Void) async throws {
        _ = try await host.control.startReplay(HostInProcess.replay("again", change))
    }

    @Test("On a disk that is short everything that brings no work is done")
    func short() async throws {
        let host = try await host()
        try await replayed(host) { $0.rate = 1 }
        let letters = try await host.letters().map(\.id).sorted()
        // The second is not sent for a long time.
        let job = try await host.control.redrive(.init(selection: .init(ids: Array(letters.prefix(2))), rate: 0.01))
        try await host.wait { try await host.control.redriveJob(id: job.id).sent == 1 ? () : nil }
        fill(host, .short)
        let control = host.control
        await stick(host)
        let paused = try await control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: true))
        #expect(paused.subscriptions.first?.pauseReason != nil, "\(paused)")
        await stick(host)
        _ = try await control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: false))
        await stick(host)
        #expect(try await control.cancelRedrive(id: job.id).state != .running)
        await stick(host)
        #expect(try await control.cancelReplay(name: "again").state != .running)
        await stick(host)
        #expect(try await control.purge(.init(ids: [letters[1]])).purged == 1)
        await stick(host)
        #expect(try await control.lifecycle(LifecycleRequest(dryRun: false)).isEmpty)
        fill(host, .roomy)
        try await host.wait { try await control.replay(name: "again").isOver ? () : nil }
        #expect(try host.journal.audit().isEmpty)
        await host.stop()
    }

    @Test("What a replay that has ended holds parked is dropped on a disk that is short, whatever is stuck")
    func shortAfterTheEnd() async throws {
        let host = try await host()
        try await replayed(host) { _ in }
        try await host.wait { try await host.control.replay(name: "again").isOver ? () : nil }
        fill(host, .short)
        await stick(host)
        let dropped = try await host.control.cancelReplay(name: "again")
        #expect(dropped.state == .cancelled && dropped.parked == 0 && dropped.dropped == 4, "\(dropped)")
        fill(host, .roomy)
        await host.stop()
    }

    @Test("On a disk that takes nothing each says why it is not done, or not durable; what is done is written later")
    func full() async throws {
        let host = try await host()
        try await replayed(host) { $0.rate = 1 }
        let letters = try await host.letters().map(\.id)
        fill(host, .full)
        await stick(host)
        let control = host.control
        func refused(_ said: String, _ body: () async throws -> Void) async {
            let error = await #expect(throws: APIError.self) { try await body() }
            #expect(error?.status == 503 && error?.message.contains(said) == true, "\(error as Any)")
            #expect(error?.message.contains("full") == true && error?.hint != nil, "\(error as Any)")
        }
        await refused("rule r is paused, but") {
            _ = try await control.pauseRule(bus: "default", name: "r", request: PauseRequest(paused: true))
        }
        await refused("replays nothing more, but") { _ = try await control.cancelReplay(name: "again") }
        await refused("not all was purged") { _ = try await control.purge(.init(ids: [letters[0]])) }
        await refused("the redrive was not started") {
            _ = try await control.redrive(.init(selection: .init(ids: [letters[0]])))
        }
        #expect(try await control.listRedrives().isEmpty)
        fill(host, .roomy)
        // Without anybody asking again.
        try await host.wait { host.runtime.committer.isIdle ? () : nil }
        await host.stop()
        let next = try await HostInProcess(rules: ["r": Self.rule], after: host)
        let status = try await next.control.status().subscriptions
        #expect(status.first { $0.bus == "default" }?.pauseReason != nil, "\(status)")
        #expect(try await next.control.replay(name: "again").state != .running)
        #expect(try await next.letters().map(\.id).contains(letters[0]))
        await next.stop()
    }

    @Test("A redrive whose page is refused keeps nobody from purging, and goes on by itself")
    func refusedPage() async throws {
        let host = try await host()
        let letters = try await host.letters().map(\.id).sorted()
        let isRefused = Mutex(false)
        host.journal.injectFault { batch in
            guard !batch.pending.isEmpty else { return nil }
            isRefused.withLock { $0 = true }
            return JournalError(.diskFull, "full")
        }
        let job = try await host.control.redrive(.init(selection: .init(all: true)))
        while !isRefused.withLock({ $0 }) { await Task.yield() }
        #expect(try await host.control.purge(.init(ids: [letters[1]])).purged == 1)
        #expect(try await host.control.redriveJob(id: job.id).sent == 0)
        host.journal.injectFault(nil)
        let over = try await host.wait {
            let job = try await host.control.redriveJob(id: job.id)
            return job.isOver ? job : nil
        }
        #expect(over.sent == 1 && over.failed == 1, "\(over)")
        #expect(try host.journal.audit().isEmpty)
        await host.stop()
    }
}

@LoopActor
private final class Flag {
    private(set) var isSet = false
    func set() { isSet = true }
}
