import Testing

extension HostProcess {
    /// Runs `sluice` against the host, as a user types it.
    @discardableResult
    func sluice(
        _ arguments: String..., code: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> ProgramResult {
        try await sluice(arguments, code: code, sourceLocation: sourceLocation)
    }

    /// Runs `sluice` against the host, as a user types it.
    func sluice(
        _ arguments: [String], code: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> ProgramResult {
        let result = try await run(TestApp.sluice, arguments + ["--data", data])
        #expect(result.ending == .exited(code), "\(arguments): \(result)", sourceLocation: sourceLocation)
        return result
    }

    /// The same for a failure, which must say what is wrong.
    func refusal(
        _ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> ProgramResult {
        let result = try await sluice(arguments, code: 1, sourceLocation: sourceLocation)
        #expect(result.errors.contains("rror: "), "\(result)", sourceLocation: sourceLocation)
        return result
    }
}
