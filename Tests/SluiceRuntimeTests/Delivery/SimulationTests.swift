import Journal
import SluiceRuntime
import Testing

@Suite("Delivery simulation")
struct SimulationTests {
    @Test("random histories keep every promise", arguments: 0..<10)
    func randomHistories(chunk: Int) throws {
        for seed in chunk * 40..<(chunk + 1) * 40 {
            var simulation = try Simulation(seed: UInt64(seed))
            for _ in 0..<250 { try simulation.step() }
            try settle(&simulation)
            try check(simulation, seed: seed)
        }
    }

    @Test("a history is the same for the same seed")
    func repeatable() throws {
        func run() throws -> [String: Int] {
            var simulation = try Simulation(seed: 42)
            for _ in 0..<200 { try simulation.step() }
            return simulation.effects
        }
        #expect(try run() == run())
    }

    /// Heals the disk and lets everything come to an end.
    private func settle(_ simulation: inout Simulation) throws {
        simulation.diskIsBroken = false
        simulation.journal.injectFault(nil)
        // A restart also writes off what was held back: the deliveries come again.
        try simulation.crash()
        for _ in 0..<100_000 {
            try simulation.pump()
            if simulation.running.isEmpty {
                guard let due = simulation.core.nextDue else { return }
                simulation.time.advance(max(1, due - simulation.time.clock.now))
            } else {
                try simulation.finishOne(verdict: .succeeded)
            }
        }
        throw Simulation.Violation("the history never comes to rest")
    }

    private func check(_ simulation: Simulation, seed: Int) throws {
        #expect(try simulation.journal.audit() == [], "seed \(seed)")
        #expect(simulation.crashes > 0)
        for progress in try simulation.journal.progress() {
            #expect(progress.waiting == 0)
            #expect(progress.retrying == 0)
            #expect(progress.redriven == 0)
            #expect(
                progress.matched
                    == progress.succeeded + progress.dropped + progress.superseded + progress.purged + progress.dead)
        }
        let succeeded = try simulation.journal.progress().reduce(0) { $0 + $1.succeeded }
        #expect(simulation.effects.values.allSatisfy { $0 == 1 }, "seed \(seed): an effect was committed twice")
        #expect(simulation.effects.count == Int(succeeded), "seed \(seed)")
    }
}

@Suite("Delivery policy")
struct DeliveryPolicyTests {
    @Test("delays grow by the rate up to the cap")
    func nominalDelays() {
        let policy = DeliveryPolicy(interval: 1000, backoffRate: 4, maximumInterval: 300_000)
        #expect((1...6).map(policy.nominalDelay(after:)) == [1000, 4000, 16000, 64000, 256_000, 300_000])
        #expect(policy.nominalDelay(after: 10_000) == 300_000)
    }

    @Test("full jitter draws between nothing and the nominal delay")
    func jitter() {
        let policy = DeliveryPolicy(interval: 1000)
        var random = SplitMix64(seed: 1)
        let delays = (0..<200).map { _ in policy.delay(after: 1, using: &random) }
        #expect(delays.allSatisfy { (0...1000).contains($0) })
        #expect(Set(delays).count > 50)
    }

    @Test("failure classes")
    func classes() {
        #expect(FailureClass(code: "SchemaMismatch", retry: nil) == .permanent)
        #expect(FailureClass(code: "TimedOut", retry: nil) == .transient)
        #expect(FailureClass(code: "CatalogConflict", retry: nil) == .platform)
        #expect(FailureClass(code: "WhateverTheHandlerSays", retry: nil) == .transient)
        #expect(FailureClass(code: "SchemaMismatch", retry: true) == .transient)
        #expect(FailureClass(code: "Whatever", retry: false) == .permanent)
    }

    @Test("fingerprints leave out what varies")
    func fingerprints() {
        let one = Fingerprint.of(target: "F", code: "SchemaMismatch", message: "column a, row 12: `x` is no bigint")
        let two = Fingerprint.of(target: "F", code: "SchemaMismatch", message: "column a, row 9977: `yy` is no bigint")
        let other = Fingerprint.of(target: "F", code: "SchemaMismatch", message: "column b, row 12: `x` is no bigint")
        #expect(one == two)
        #expect(one != other)
    }
}
