import Foundation
import Gateway
import HostAPI
import Testing

extension Integration {
    /// `sluice invoke` waits for an answer, so there must be one.
    @Suite("Direct invocations that never come to run", .timeLimit(.minutes(5)))
    struct DirectInvocationTests {
        @Test("Queued when their function is removed, they are told so")
        func removed() async throws {
            let app = try oneAtATime()
            try await HostProcess.with(app) { host in
                let gate = try Gate(host)
                async let running = answer(host, gate.request)
                let handler = try await gate.reached(host)
                let queued = (0..<8).map { _ in Task { await answer(host, FaultyRequest("ok")) } }
                try await queue(host, holds: 8)
                let guardian = guardian(of: host)
                defer { guardian.cancel() }
                try FileManager.default.removeItem(atPath: app.folder + "/Functions/Faulty")
                try FileManager.default.removeItem(atPath: app.folder + "/Events/rules/faulty.yaml")
                let result = try await host.client.deploy(DeployRequest(app: app.folder))
                #expect(result.accepted, "\(result)")
                handler.open()
                #expect(await running == "succeeded")
                for task in queued { #expect(await task.value == "WorkerUnavailable") }
            }
        }

        @Test("Queued when the host stops, they are told so; the host ends cleanly")
        func stopped() async throws {
            let app = try oneAtATime()
            let host = HostProcess(app)
            do {
                try await host.start()
                let gate = try Gate(host)
                async let running = answer(host, gate.request)
                let handler = try await gate.reached(host)
                let queued = (0..<8).map { _ in Task { await answer(host, FaultyRequest("ok")) } }
                try await queue(host, holds: 8)
                let guardian = guardian(of: host)
                defer { guardian.cancel() }
                async let ending = host.end(SIGTERM)
                _ = try await host.wait(for: "the host to be stopping") {
                    try await host.client.health().state == .stopping ? true : nil
                }
                // What runs may end in peace; what has not begun hears so at once.
                handler.open()
                #expect(await running == "succeeded")
                for task in queued { #expect(await task.value == "HostStopping") }
                #expect(await ending == .exited(0))
            } catch {
                await host.remove()
                throw error
            }
            await host.remove()
        }

        private func oneAtATime() throws -> TestApp {
            let app = try TestApp.faulty()
            try app.setFaulty("reservedConcurrency", "1")
            try app.setFaulty("timeout", "60")
            return app
        }

        /// A call that is never answered ends with the host; only a failure comes to that.
        private func guardian(of host: HostProcess) -> Task<Void, any Error> {
            Task {
                try await Task.sleep(for: .seconds(30))
                await host.end(SIGKILL)
            }
        }

        private func queue(_ host: HostProcess, holds count: Int64) async throws {
            _ = try await host.wait(for: "\(count) invocations to wait") {
                let faulty = try await host.client.status().functions.first { $0.name == "Faulty" }
                return faulty?.waiting == count ? true : nil
            }
        }

        /// The outcome, or the code of the failure or of the refusal.
        private func answer(_ host: HostProcess, _ request: FaultyRequest) async -> String {
            do {
                let summary = try await host.invoke(request).summary
                return summary.code ?? summary.outcome
            } catch let error as APIError {
                return error.code
            } catch {
                return "\(error)"
            }
        }
    }
}
