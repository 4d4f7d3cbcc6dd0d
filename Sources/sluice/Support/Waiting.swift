import HostAPI

/// Waiting for a job of the host.
enum Waiting {
    /// Asks how far the job is, once more where the host cannot say. A host that is gone has not ended the job: the
    /// next one goes on.
    /// - Parameter command: shows how far it is.
    static func asking<Answer>(_ ask: () async throws -> Answer, then command: String) async throws -> Answer {
        do {
            return try await ask()
        } catch let error as APIError where error.status == 503 {
            try await Task.sleep(for: .seconds(1))
        }
        do {
            return try await ask()
        } catch let error as APIError where error.status == 503 {
            throw Failure(
                "\(error.message); the job is kept",
                hint: [error.hint, "then see: \(command)"].compactMap(\.self).joined(separator: "\n"))
        }
    }
}
