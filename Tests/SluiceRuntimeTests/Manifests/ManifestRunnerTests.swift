import Journal
import SluiceRuntime
import Synchronization
import Testing
import UVLoop

@LoopActor
@Suite("Manifests of a host", .timeLimit(.minutes(2)))
struct ManifestRunnerTests {
    private static let sha256ofABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    /// The host is lost at each of its commits in turn: two rules take one manifest, and another that is none.
    @Test("two rules for one manifest: each has its event once, wherever the host is lost", arguments: 1...8)
    func lost(_ fault: Int) async throws {
        let host = try ManifestHarness()
        defer { host.stop() }
        try host.deploy(["a": ".manifest", "b": ".manifest"])
        let commits = Mutex(0)
        let isLost = Mutex(false)
        host.journal.injectFault { batch in
            // Only what the runner writes; a host that is lost writes nothing more.
            guard batch.control.contains(where: { "\($0)".contains("manifest/") }) else { return nil }
            let count = commits.withLock { commits in
                commits += 1
                return commits
            }
            guard count >= fault else { return nil }
            isLost.withLock { $0 = true }
            return JournalError(.closed, "lost")
        }
        try? await host.apply()
        try host.put("one.manifest", #"{"files": ["a.csv", "b.csv"]}"#)
        try host.put("two.manifest", "nonsense")
        try host.put("a.csv", "a")
        try host.put("b.csv", "b")
        while !isLost.withLock({ $0 }), try host.told().count < 4 { await Task.yield() }
        host.crash()
        try await host.apply()
        // Whatever was not told is waited for: nothing has been forgotten.
        _ = try await host.told(4)
        await host.until(\.isEmpty)
        #expect(
            try host.told().sorted().map { "\($0.rule) \($0.manifest) \($0.isComplete)" } == [
                "a one.manifest true", "a two.manifest false", "b one.manifest true", "b two.manifest false",
            ])
        #expect(try host.stored().isEmpty)
    }

    @Test("a manifest that arrives between the deployment of its rule and its being in force is waited for")
    func between() async throws {
        let host = try ManifestHarness()
        defer { host.stop() }
        try host.put("old.one", #"{"files": ["a"]}"#)
        try host.deploy(["one": ".one"])
        try host.put("early.one", #"{"files": ["a"]}"#)
        try await host.apply()
        // What came before the first rule is nobody's manifest.
        try await host.stores("one early.one")

        // Another rule; what lies behind its deployment is read when that is in force.
        try host.put("early.two", #"{"files": ["a"]}"#)
        try host.deploy(["one": ".one", "two": ".two"])
        try host.put("between.two", #"{"files": ["a"]}"#)
        try host.put("between.one", #"{"files": ["a"]}"#)
        try await host.apply()
        try await host.stores("one between.one", "one early.one", "two between.two")

        // A third one, and the host is lost before it is in force; then nothing of all that is read again.
        try host.deploy(["one": ".one", "three": ".three", "two": ".two"])
        try host.put("between.three", #"{"files": ["a"]}"#)
        try host.put("late.one", #"{"files": ["a"]}"#)
        host.crash()
        try await host.apply()
        try await host.stores(
            "one between.one", "one early.one", "one late.one", "three between.three", "two between.two")
        try host.put("a", "a")
        #expect(try await host.told(5).count == 5)
        await host.until(\.isEmpty)
        host.crash()
        try await host.apply()
        #expect(host.runner.open.isEmpty && !host.runner.hasUnread)
        #expect(try host.told().count == 5)
    }

    @Test("a manifest with a file that can never come ends at once, and names it")
    func impossible() async throws {
        let host = try ManifestHarness()
        defer { host.stop() }
        try host.deploy(["rule": ".one"])
        try await host.apply()
        try host.put("x.one", #"{"files": ["a", "s3://nix/b"]}"#)
        let told = try await host.told(1)
        #expect(told.first?.isComplete == false)
        #expect(
            told.first?.missing
                == ["1 of its 2 files can never come: file 2, nix/b: there is no bucket nix"], "\(told)")
        #expect(host.runner.open.isEmpty)
    }

    @Test("a rule whose pattern changes takes what came since its deployment; one that goes waits no longer")
    func changed() async throws {
        let host = try ManifestHarness()
        defer { host.stop() }
        try host.deploy(["kept": ".kept", "rule": ".old"])
        try await host.apply()
        try host.put("first.old", #"{"files": ["a"]}"#)
        await host.until { $0.count == 1 }
        try host.deploy(["kept": ".kept", "rule": "w"])
        try host.put("second.new", #"{"files": ["a"]}"#)
        try host.put("x.kept", #"{"files": ["a"]}"#)
        try await host.apply()
        try await host.stores("kept x.kept", "rule first.old", "rule second.new")
        try host.deploy(["kept": ".kept"])
        try await host.apply()
        try await host.stores("kept x.kept")
        #expect(host.runner.open.map(\.manifest.id.rule) == ["kept"])
        try host.put("a", "a")
        #expect(try await host.told(1).map(\.rule) == ["kept"])
        try host.deploy([:])
        try await host.apply()
        #expect(try host.journal.values(prefix: "manifest/").isEmpty)
    }

    @Test(
        "what came before the deployment that turns a rule off or changes its pattern is taken, though nobody has read it",
        arguments: [true, false])
    func before(_ isLostAgain: Bool) async throws {
        let host = try ManifestHarness()
        defer { host.stop() }
        try host.deploy(["changed": ".old", "off": ".off"])
        try await host.apply()
        host.crash()
        try host.put("1.off", #"{"files": ["a"]}"#)
        try host.put("1.old", #"{"files": ["a"]}"#)
        try host.deploy(["changed": ".new", "off": ".off"], off: ["off"])
        try host.put("2.off", #"{"files": ["a"]}"#)
        try host.put("2.old", #"{"files": ["a"]}"#)
        try host.put("2.new", #"{"files": ["a"]}"#)
        if isLostAgain {
            // The rules are in force, and nothing was read by them.
            host.journal.injectFault { batch in
                let isArrival = batch.control.contains { "\($0)".contains("manifest/open") }
                return isArrival ? JournalError(.closed, "lost") : nil
            }
            try await host.apply()
            host.crash()
            #expect(try host.stored().isEmpty)
        }
        try await host.apply()
        try await host.stores("changed 1.old", "changed 2.new", "off 1.off")
        #expect(await host.runner.awaited().rules.map(\.rule).sorted() == ["changed", "off"])
        try host.put("a", "a")
        #expect(try await host.told(3).count == 3)
        await host.until(\.isEmpty)
        // Nothing can come for it any more.
        #expect(await host.runner.awaited().rules.map(\.rule) == ["changed"])
    }

    @Test("while a deployment is not in force yet, its predecessor's rules take nothing that came after it")
    func notInForce() async throws {
        let host = try ManifestHarness()
        defer { host.stop() }
        try host.deploy(["changed": ".old", "off": ".off"])
        try await host.apply()
        try host.put("1.old", #"{"files": ["a"]}"#)
        try host.put("1.off", #"{"files": ["a"]}"#)
        try host.deploy(["changed": ".new", "off": ".off"], off: ["off"])
        try host.put("2.old", #"{"files": ["a"]}"#)
        try host.put("2.off", #"{"files": ["a"]}"#)
        try host.put("2.new", #"{"files": ["a"]}"#)
        // Whoever asks waits until everything was read that can be.
        #expect(await host.runner.awaited().counts.values.map(\.self) == [1, 1])
        #expect(try host.stored() == ["changed 1.old", "off 1.off"])
        try await host.apply()
        try await host.stores("changed 1.old", "changed 2.new", "off 1.off")
        #expect(!host.runner.hasUnread)
    }

    @Test("a rule that has ended is over when its own log was read, whatever other logs hold behind it")
    func otherLogs() async throws {
        let host = try ManifestHarness()
        defer { host.stop() }
        func others(_ name: String) throws {
            var batch = Batch()
            for _ in 0..<3 {
                batch.appends.append(
                    Append(
                        log: "replay/x", eventID: "\(name)\(batch.appends.count)", ingested: 0,
                        payload: Array("{}".utf8), subscriptions: [], ruleSet: 1))
            }
            _ = try host.journal.commitBlocking(batch)
        }
        try host.deploy(["off": ".off"])
        try await host.apply()
        try others("a")
        try host.deploy(["off": ".off"], off: ["off"])
        try await host.apply()
        #expect(await host.runner.awaited().rules.isEmpty)
        // With something that nobody has read.
        try host.deploy(["off": ".off"])
        try await host.apply()
        host.crash()
        try host.put("1.off", #"{"files": ["a"]}"#)
        try others("b")
        try host.deploy(["off": ".off"], off: ["off"])
        try others("c")
        try await host.apply()
        try await host.stores("off 1.off")
    }

    @Test("a rule that is off is known to have something to tell while the commit that tells it is under way")
    func arriving() async throws {
        let host = try ManifestHarness()
        defer { host.stop() }
        try host.deploy(["r": ".manifest"])
        try await host.apply()
        host.crash()
        // It says nothing that could be waited for: it is told of at once.
        try host.put("1.manifest", "nonsense")
        try host.deploy(["r": ".manifest"], off: ["r"])
        let isHeld = Mutex(false)
        host.journal.injectFault { batch in
            guard batch.control.contains(where: { "\($0)".contains("manifest/open") }) else { return nil }
            isHeld.withLock { $0 = true }
            return JournalError(.diskFull, "full")
        }
        let applying = Task { @LoopActor in try await host.apply() }
        while !isHeld.withLock({ $0 }) { await Task.yield() }
        #expect(await host.runner.awaited().rules.map(\.rule) == ["r"])
        host.journal.injectFault(nil)
        try await applying.value
        #expect(try await host.told(1).map(\.isComplete) == [false])
        #expect(await host.runner.awaited().rules.isEmpty)
    }

    @Test("a rule that is to go is known to wait for what arrives, also while that is read")
    func awaited() async throws {
        let host = try ManifestHarness()
        defer { host.stop() }
        try host.deploy(["r": ".manifest"])
        try await host.apply()
        for index in 0..<20 { try host.put("\(index).manifest", #"{"files": ["a"]}"#) }
        // The reader is on its way since the first of them.
        #expect(await host.runner.awaited().counts.values.map(\.self) == [20])
        // A disk that takes nothing holds up nobody who asks (`arriving` has what is named then).
        host.journal.injectFault { batch in
            let isArrival = batch.control.contains { "\($0)".contains("manifest/open") }
            return isArrival ? JournalError(.diskFull, "full") : nil
        }
        for index in 20..<22 { try host.put("\(index).manifest", #"{"files": ["a"]}"#) }
        #expect(await host.runner.awaited().rules.map(\.rule) == ["r"])
        host.journal.injectFault(nil)
    }

    @Test("a note of an earlier version, the cursor alone: its rules go on from there")
    func earlierVersion() async throws {
        let host = try ManifestHarness()
        defer { host.stop() }
        try host.deploy(["one": ".one"])
        try host.put("read.one", #"{"files": ["a"]}"#)
        var batch = Batch()
        batch.control.append(.putValue(name: "manifest/cursor", body: Array("1".utf8)))
        _ = try host.journal.commitBlocking(batch)
        try host.put("unread.one", #"{"files": ["a"]}"#)
        try await host.apply()
        try await host.stores("one unread.one")
    }

    @Test("files are read only when nothing is missing, and each version once; at the limit all of them")
    func hashes() async throws {
        let host = try ManifestHarness()
        defer { host.stop() }
        try host.deploy(["r": ".manifest"], limit: 100)
        try await host.apply()
        try host.put("a", "abc")
        try host.put("x", "not abc")
        let a = #"{"key": "a", "sha256": "\#(Self.sha256ofABC)"}"#
        try host.put("1.manifest", #"{"files": [\#(a), {"key": "x", "sha256": "\#(Self.sha256ofABC)"}, "b"]}"#)
        await host.until { $0.first?.missing == ["landing/b: has not arrived"] }
        try host.put("2.manifest", #"{"files": [\#(a), "c"]}"#)
        try host.put("c", "c")
        #expect(try await host.told(1) == [.init(rule: "r", manifest: "2.manifest", isComplete: true)])
        // The first one waits for it still, and knows it: it is not read again, and could not be.
        try host.steal("a")
        try host.put("3.manifest", #"{"files": [\#(a)]}"#)
        #expect(try await host.told(2).last == .init(rule: "r", manifest: "3.manifest", isComplete: true))
        // At its limit the dead letter tells of everything.
        host.wait(seconds: 101)
        host.runner.beginLooking()
        let last = try #require(try await host.told(3).last)
        #expect(last.manifest == "1.manifest" && last.missing.count == 2, "\(last)")
        #expect(last.missing.first?.contains("x: its SHA-256 is") == true)
        // Nobody waits for it any more, so nothing of it is known.
        await host.until(\.isEmpty)
        try host.put("4.manifest", #"{"files": [\#(a)]}"#)
        await host.until { $0.first?.missing?.first?.contains("landing/a: ") == true }
    }

    @Test("before the first scan nothing is looked at: a file that came while the host was down is not missing")
    func afterTheScan() async throws {
        let host = try ManifestHarness()
        defer { host.stop() }
        try host.deploy(["r": ".manifest"], limit: 100)
        try await host.apply()
        try host.put("1.manifest", #"{"files": ["a"]}"#)
        await host.until { $0.first?.missing?.count == 1 }
        host.crash()
        host.wait(seconds: 1000)
        try await host.begin(scan: { try host.put("a", "a") })
        #expect(try await host.told(1) == [.init(rule: "r", manifest: "1.manifest", isComplete: true)])
    }

    @Test(
        "a manifest that cannot be read for now is read later, also by the next host, or missed when its time is over")
    func unread() async throws {
        let host = try ManifestHarness()
        defer { host.stop() }
        try host.deploy(["r": ".manifest"], limit: 100)
        try await host.apply()
        try host.put("a", "x")
        try host.putLost("1.manifest", #"{"files": ["a"]}"#)
        try await host.stores("r 1.manifest")
        #expect(try host.told().isEmpty)
        host.crash()
        try await host.apply()
        await host.until { $0.first?.missing?.first?.contains("cannot be read yet") == true }
        try host.found("1.manifest")
        #expect(try await host.told(1) == [.init(rule: "r", manifest: "1.manifest", isComplete: true)])
        try host.putLost("2.manifest", #"{"files": ["a"]}"#)
        try await host.stores("r 2.manifest")
        host.wait(seconds: 101)
        let told = try await host.told(2)
        #expect(told.last?.isComplete == false && told.last?.missing.count == 1, "\(told)")
        try host.found("2.manifest")
    }

    @Test("a file that cannot be read for now is looked at again, though nothing comes")
    func unseen() async throws {
        let host = try ManifestHarness()
        defer { host.stop() }
        try host.deploy(["r": ".manifest"])
        try await host.apply()
        try host.put("1.manifest", #"{"files": [{"key": "a", "sha256": "\#(Self.sha256ofABC)"}]}"#)
        await host.until { $0.first?.missing?.first?.contains("has not arrived") == true }
        try host.putLost("a", "abc")
        await host.until { $0.first?.missing?.first?.contains("has not arrived") == false }
        #expect(try host.told().isEmpty)
        try host.found("a")
        #expect(try await host.told(1) == [.init(rule: "r", manifest: "1.manifest", isComplete: true)])
    }

    @Test("a bus full of other events wakes nobody")
    func others() async throws {
        let host = try ManifestHarness()
        defer { host.stop() }
        try host.deploy(["r": ".manifest"])
        try await host.apply()
        let before = try host.journal.value(name: "manifest/cursor")
        var batch = Batch()
        for index in 0..<6000 {
            batch.appends.append(
                Append(
                    log: "default", eventID: "e\(index)", ingested: 0,
                    payload: Array(#"{"version":"0","id":"e\#(index)","detail-type":"x","source":"shop"}"#.utf8),
                    subscriptions: [], ruleSet: 1))
        }
        _ = try host.journal.commitBlocking(batch)
        #expect(!host.runner.hasUnread)
        #expect(try host.journal.value(name: "manifest/cursor") == before)
        try host.put("1.manifest", #"{"files": ["a"]}"#)
        await host.until { $0.count == 1 }
    }
}
