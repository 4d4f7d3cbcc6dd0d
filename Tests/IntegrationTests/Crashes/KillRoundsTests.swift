import Foundation
import Gateway
import HostAPI
import Testing

extension Integration {
    /// `kill -9` of everything, again and again, on one data folder. SLUICE_SOAK gives the number of rounds (12),
    /// SLUICE_SEED makes them the ones of an earlier run.
    @Suite("Kills at journal positions", .timeLimit(.minutes(60)))
    struct KillRoundsTests {
        enum Victim: CaseIterable, Sendable {
            /// The host, as soon as the journal was written so many times.
            case host
            /// The host, by itself, just before or after a commit.
            case hostAtCommit
            case zygote
            case worker
        }

        @Test("Host or worker killed at any moment: every file has exactly one output, and the doctor agrees")
        func rounds() async throws {
            let environment = ProcessInfo.processInfo.environment
            let rounds = Int(environment["SLUICE_SOAK"] ?? "") ?? 12
            let seed = UInt64(environment["SLUICE_SEED"] ?? "") ?? UInt64.random(in: 0...UInt64(UInt32.max))
            var random = SplitMix64(state: seed)
            var struck: [Victim: Int] = [:]
            try await HostProcess.with(.shipped()) { host in
                for round in 1...rounds {
                    // Each kind in turn, so that few rounds try all of them; when is up to chance.
                    let victim = Victim.allCases[round % Victim.allCases.count]
                    let position = Int.random(in: 1...25, using: &random)
                    let note = "seed \(seed), round \(round): \(victim) at \(position)"
                    do {
                        if try await strike(host, victim, position, round: round, using: &random) {
                            struck[victim, default: 0] += 1
                        }
                        if !host.isRunning { try await host.start() }
                        try await expectTable(host, "round\(round)", files: 20, rows: 210)
                        #expect(host.keys("clean-zone").count == 20 * round, "\(note)")
                        #expect(try await host.deadLetters() == [], "\(note)")
                        _ = try await host.wait(for: "staging to be empty") { host.staging.isEmpty ? true : nil }
                        let wrong = try await host.client.doctor().checks.filter { $0.state == .failed }
                        #expect(wrong.isEmpty, "\(note): \(wrong)")
                    } catch {
                        throw HostProcess.Failure(description: "\(note): \(error)")
                    }
                }
            }
            print(
                "kill rounds: seed \(seed), \(rounds) rounds, struck \(struck.map { "\($0.key) \($0.value)" }.sorted())"
            )
            for victim in Victim.allCases where rounds >= 12 {
                #expect(struck[victim, default: 0] > 0, "seed \(seed): \(victim) was never struck while at work")
            }
        }

        /// Drops twenty files and kills somebody meanwhile; false if the work was done before it came to that.
        private func strike(
            _ host: HostProcess, _ victim: Victim, _ position: Int, round: Int, using random: inout SplitMix64
        ) async throws -> Bool {
            if victim == .hostAtCommit {
                #expect(await host.end() == .exited(0))
                let point = ["before-commit", "after-commit", "after-completion"].randomElement(using: &random) ?? ""
                let isReady = try await host.startUntilReadyOrEnd(
                    environment: ["SLUICE_CRASH_AT": "journal.\(point):\(position)"])
                try drop(host, round)
                guard isReady else {
                    await host.ended()
                    return true
                }
                return !(await idle(host, round))
            }
            try drop(host, round)
            guard await host.journalWrites(position % 12 + 1) else { return false }
            switch victim {
            case .host, .hostAtCommit: await host.end(SIGKILL)
            case .zygote:
                guard let zygote = host.zygotes.randomElement(using: &random) else { return false }
                kill(zygote, SIGKILL)
            case .worker:
                guard let worker = host.workers.randomElement(using: &random) else { return false }
                kill(worker, SIGKILL)
            }
            return true
        }

        /// Waits until the host is dead, or has done the round's work; the latter is true.
        private func idle(_ host: HostProcess, _ round: Int) async -> Bool {
            while host.isRunning {
                let table = try? await host.client.table(database: "round\(round)", name: "t")
                if table?.files.count == 20 { return true }
                _ = await host.journalWrites(1)
            }
            await host.ended()
            return false
        }

        /// Twenty files with one to twenty rows, half of them copied and half of them moved in.
        private func drop(_ host: HostProcess, _ round: Int) throws {
            for number in 1...20 {
                let content = "n\n" + (1...number).map { "\($0)\n" }.joined()
                let key = "round\(round)/t/\(number).csv"
                if number % 2 == 0 {
                    try host.copy(content, to: "landing-zone", key)
                } else {
                    try host.move(content, to: "landing-zone", key)
                }
            }
        }
    }
}

/// Sebastiano Vigna's SplitMix64: a seed gives the same numbers everywhere.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
