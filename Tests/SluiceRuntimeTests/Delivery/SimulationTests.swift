import Foundation
import Journal
import SluiceRuntime
import Testing
import UVLoop

@Suite("Delivery simulation", .timeLimit(.minutes(30)))
struct SimulationTests {
    static let steps = 300
    /// Other tests need those of Swift's pool, and have limits of time.
    static let threads = FileThreads(count: 2)
    /// Histories in a run; a soak asks for thousands.
    static let histories = ProcessInfo.processInfo.environment["SLUICE_HISTORIES"].flatMap { Int($0) } ?? 2000

    /// The first of them: a soak goes on where the last one has ended.
    static let first = ProcessInfo.processInfo.environment["SLUICE_FIRST_HISTORY"].flatMap { Int($0) } ?? 0

    /// One that has failed, to be looked into.
    static let asked = ProcessInfo.processInfo.environment["SLUICE_HISTORY"].flatMap { UInt64($0) }

    @Test("random histories keep every promise", arguments: 0..<10)
    func randomHistories(chunk: Int) async {
        if let seed = Self.asked {
            let failure = chunk == 0 ? Self.failure(seed: seed, bug: nil) : nil
            return #expect(failure == nil)
        }
        for seed in stride(from: Self.first + chunk, to: Self.first + Self.histories, by: 10) {
            let failure = await Self.threads.run { Self.failure(seed: UInt64(seed), bug: nil) }
            #expect(failure == nil, "seed \(seed)")
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

    @Test("every seeded bug is caught", arguments: SeededBug.allCases)
    func seededBugs(bug: SeededBug) async {
        for seed in 1000..<2000 as Range<UInt64> {
            if await Self.threads.run({ Self.failure(seed: seed, bug: bug) }) != nil { return }
        }
        Issue.record("no history of a thousand shows \(bug.rawValue)")
    }

    /// What a history shows to be broken; nil: nothing.
    static func failure(seed: UInt64, bug: SeededBug?) -> String? {
        do {
            var simulation = try Simulation(seed: seed, bug: bug)
            for _ in 0..<steps { try simulation.step() }
            try simulation.conclude()
            return nil
        } catch {
            return "\(error)"
        }
    }
}

@Suite("Delivery policy")
struct DeliveryPolicyTests {
    @Test("delays grow by the rate up to the cap")
    func nominalDelays() {
        let policy = DeliveryPolicy(interval: 1000, backoffRate: 4, maximumDelay: 300_000)
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
        #expect(FailureClass(code: "Whatever", retry: false) == .final)
    }

    @Test("fingerprints leave out what varies")
    func fingerprints() {
        let one = Fingerprint.of(target: "F", code: "SchemaMismatch", message: "column a, row 12: `x` is no bigint")
        let two = Fingerprint.of(target: "F", code: "SchemaMismatch", message: "column a, row 9977: `yy` is no bigint")
        let other = Fingerprint.of(target: "F", code: "SchemaMismatch", message: "column b, row 12: `x` is no bigint")
        #expect(one == two)
        #expect(one != other)
    }

    @Test("… also object keys, ids and how many of them are listed; places in a program stay")
    func fingerprintsOfPaths() {
        func print(_ message: String) -> String { Fingerprint.of(target: "F", code: "C", message: message) }
        for (left, right) in [
            ("there is no object land/empty.txt", "there is no object in/a/b-2.csv"),
            ("event 31c2600f-a28a-8c84-a04c-596e20373077 is gone", "event 5c1aaeaa-17a6-8c6e-a677-af3448 is gone"),
            ("missing: in/a.csv: has not arrived", "missing: in/sub/b.csv: has not arrived"),
            ("missing in/a in/b in/c. Put them", "missing in/a. Put them"),
            ("took 12ms, (17)", "took 5ms, (8)"), ("commit a1b2c3d4 is gone", "commit 0f0f0f0f is gone"),
        ] { #expect(print(left) == print(right), "\(left) | \(right)") }
        for (left, right) in [
            ("trap at App/One.swift:12: no", "trap at App/Two.swift:12: no"),
            ("no decade", "no facade"), ("commit a1b2c3d is gone", "commit f1b2c3d is gone"),
            ("no column", "no columns"), ("a / b is wrong", "a is wrong"),
        ] { #expect(print(left) != print(right), "\(left) | \(right)") }
    }
}
