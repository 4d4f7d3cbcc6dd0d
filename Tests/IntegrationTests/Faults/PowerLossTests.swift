import Foundation
import Gateway
import HostAPI
import Synchronization
import Testing

extension Integration {
    @Suite("A loss of power", .timeLimit(.minutes(10)))
    struct PowerLossTests {
        @Test(
            "What a producer was told is durable outlives the power, again and again, and is delivered once it is back",
            .enabled("an ext4 to cut the power of needs root, mkfs.ext4 and a loop device") {
                await PluggedDisk.isPossible()
            })
        func cut() async throws {
            let disk = try await PluggedDisk(megabytes: 320)
            let app = try TestApp.faulty()
            try app.edit("sluice.yaml") { $0 + "\nlimits: {minFree: 16}\n" }
            let host = HostProcess(app, data: disk.path + "/data")
            do {
                try await cut(host, disk)
            } catch {
                await host.remove()
                await disk.remove()
                throw error
            }
            await host.remove()
            await disk.remove()
        }

        private func cut(_ host: HostProcess, _ disk: PluggedDisk) async throws {
            // Segments roll and checkpoints run in each life.
            let small = ["SLUICE_BALLAST_MB": "4", "SLUICE_SEGMENT_MB": "4"]
            var accepted: [String] = []
            // At the very first commits, and behind some checkpoints of a few megabytes.
            for count in [3, 150, 400, 40] {
                try await host.start(environment: small)
                let (more, refusal) = await put(host) { if $0 == count { disk.cutPower() } }
                #expect(more.count >= count, "\(refusal)")
                accepted += more
                await host.end(SIGKILL)
                try await disk.unmount()
                try await disk.plugIn()
            }
            try await host.start(environment: small)
            try await host.settled()
            for id in accepted {
                let states = try await host.client.event(id: id).deliveries.map(\.state)
                #expect(states == ["settled"], "\(id)")
            }
            #expect(try await host.deadLetters() == [])
            try await host.expectGoodOrder()
        }

        /// Puts events on several connections until the host takes no more; the ids of those that it took, and why it
        /// took no more.
        /// - Parameter isTaken: is told after each how many were taken.
        private func put(_ host: HostProcess, isTaken: @escaping @Sendable (Int) -> Void) async -> ([String], String) {
            let taken = Taken()
            await withTaskGroup { group in
                for _ in 0..<4 {
                    group.addTask {
                        do {
                            while true { isTaken(taken.add(try await host.putPadded(kilobytes: 20))) }
                        } catch { taken.refusal = "\(error)" }
                    }
                }
            }
            return (taken.ids, taken.refusal)
        }

        private final class Taken: Sendable {
            private let all = Mutex<[String]>([])
            private let last = Mutex("")

            var ids: [String] { all.withLock { $0 } }

            var refusal: String {
                get { last.withLock { $0 } }
                set { last.withLock { $0 = newValue } }
            }

            /// How many there are with it.
            func add(_ id: String) -> Int {
                all.withLock { ids in
                    ids.append(id)
                    return ids.count
                }
            }
        }
    }
}
