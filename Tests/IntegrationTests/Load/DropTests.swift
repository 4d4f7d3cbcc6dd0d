import Foundation
import Gateway
import HostAPI
import Testing

extension Integration {
    /// Many files dropped at once. SLUICE_DROP gives their number (2,000; 100,000 where SLUICE_SOAK is set).
    @Suite("Many files at once", .timeLimit(.minutes(60)))
    struct DropTests {
        @Test("Every file is found and handled once, whatever the queues hold")
        func drop() async throws {
            let environment = ProcessInfo.processInfo.environment
            let count = Int(environment["SLUICE_DROP"] ?? "") ?? (environment["SLUICE_SOAK"] == nil ? 2000 : 100_000)
            let app = try TestApp.faulty()
            try app.addInboxRule()
            // Handled at once where they are found, and again by a host that is killed meanwhile and finds the rest.
            try await HostProcess.with(app) { host in
                let (folder, inbox) = (temporaryFolder("drop"), host.bucket("inbox"))
                for part in 0..<(count / 1000 + 1) {
                    try FileManager.default.createDirectory(
                        atPath: "\(folder)/d\(part)", withIntermediateDirectories: true)
                }
                for number in 0..<count {
                    let path = "\(folder)/d\(number / 1000)/\(number).txt"
                    guard FileManager.default.createFile(atPath: path, contents: Data("file \(number)".utf8)) else {
                        throw HostProcess.Failure(description: "cannot write \(path)")
                    }
                }
                // A tree moved in is found by one scan; half of it is moved while the host is stopped.
                let began = ContinuousClock.now
                for part in 0..<(count / 1000 + 1) {
                    if part == count / 2000 { kill(host.pid, SIGSTOP) }
                    try FileManager.default.moveItem(atPath: "\(folder)/d\(part)", toPath: "\(inbox)/d\(part)")
                }
                kill(host.pid, SIGCONT)
                _ = try await host.wait(for: "half of the files", seconds: 1800) {
                    let status = try await host.client.status()
                    return status.subscriptions.first { $0.rule == "seen" }.map { $0.succeeded >= Int64(count / 2) }
                        == true
                        ? true : nil
                }
                await host.end(SIGKILL)
                try await host.start()
                let status = try await host.wait(for: "all files", seconds: 1800) {
                    let status = try await host.client.status()
                    let seen = status.subscriptions.first { $0.rule == "seen" }
                    return seen.map { $0.succeeded + $0.dead >= Int64(count) } == true ? status : nil
                }
                let seen = try #require(status.subscriptions.first { $0.rule == "seen" })
                #expect(seen.matched == Int64(count) && seen.succeeded == Int64(count) && seen.dead == 0, "\(seen)")
                #expect(status.buckets.first { $0.name == "inbox" }?.objects == Int64(count))
                let took = (ContinuousClock.now - began) / .seconds(1)
                print("dropped \(count) files at once: all handled after \(took) s, with the host killed once")
            }
        }
    }
}
