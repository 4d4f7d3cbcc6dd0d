import AppConfig
import HostAPI
import Journal
import UVLoop

/// Redrives to one version of a function.
extension RedriveJobs {
    /// Where a redrive to `NAME` or `NAME@VERSION` goes: the name that its letters are queued under, and the version
    /// that is pinned for it. The version that is in force needs no pin, and goes by the function's name.
    func target(_ text: String) async throws -> (key: String, version: FunctionVersion?) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { return (text, nil) }
        let (journal, name) = (journal, parts[0])
        let kept = try await files.run { () throws(JournalError) in
            try journal.functions().filter { $0.name == name }
                .compactMap { JSONText.decode(FunctionVersion.self, from: $0.body) }
        }
        guard let number = Int(parts[1]), let version = kept.first(where: { $0.version == number }) else {
            let there = kept.map(\.version).sorted().map(String.init).joined(separator: ", ")
            throw APIError.notFound(
                "function version", text,
                hint: there.isEmpty ? "`sluice functions list` shows what is deployed" : "there are versions \(there)")
        }
        let isInForce =
            dispatcher.deployment.app.function(named: name) != nil
            && dispatcher.deployment.functions[name]?.version == number
        return isInForce ? (name, nil) : ("\(name)@\(number)", version)
    }

    /// The versions that jobs go to which are not over, as `NAME@VERSION`, with their modules where they were.
    var versions: [String: FunctionVersion] {
        jobs.values.reduce(into: [:]) { versions, job in
            if job.ended == nil, let to = job.to, let version = job.version { versions[to] = version }
        }
    }

    /// Reads the jobs of earlier lives: what they go to is to be there before what they have sent.
    func load() async throws {
        let journal = journal
        let stored = try await files.run {
            try journal.values(prefix: RedriveRecord.prefix).compactMap {
                JSONText.decode(RedriveRecord.self, from: $0.body)
            }
        }
        for job in stored { jobs[job.id] = job }
        isLoaded = true
    }
}
