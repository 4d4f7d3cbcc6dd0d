import SluiceRuntime

extension PipelineHost.Load {
    /// Runs the producer, a process of its own, against the host on a data folder until every event is durable.
    func produce(on data: String) async throws {
        var arguments = [
            "bench", "produce", "--socket", "\(data)/api.sock", "--events", "\(events)", "--batch",
            "\(request)", "--connections", "\(connections)", "--rate", "\(rate)", "--bytes",
            "\(bytes)", "--type", isSlow ? "Slow" : "Sample",
        ]
        if let stream = stream { arguments += ["--stream", stream.name, "--keys", "\(stream.keys)"] }
        let command = [Paths.programFolder + "sluice"] + arguments
        // Waiting for a process blocks: on a thread of its own, since the host needs those of Swift's pool.
        let thread = FileThreads(count: 1)
        defer { thread.stop() }
        let said = try await thread.run { try Subprocess.output(command) }
        let accepted = Int(said.split(separator: " ").first ?? "") ?? 0
        guard accepted == events else {
            throw Failure("the host accepted \(accepted) of \(events) events")
        }
    }
}
