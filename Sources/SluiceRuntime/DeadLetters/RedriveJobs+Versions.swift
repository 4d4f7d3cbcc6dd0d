import AppConfig
import HostAPI
import Journal
import UVLoop

/// Redrives to one version of a function.
extension RedriveJobs {
    /// Where a redrive to `NAME` or `NAME@VERSION` goes: the name that its letters are queued under, and the version
    /// that is pinned for it. The version that is in force needs no pin, and goes by the function's name.
    func target(_ text: String) async throws -> (key: String, version: FunctionVersion?) {
        let wanted = VersionName(text)
        guard wanted.version != nil else { return (text, nil) }
        let (journal, name) = (journal, wanted.name)
        let kept = try await files.run { () throws(JournalError) in
            try journal.functions().filter { $0.name == name }
                .compactMap { JSONText.decode(FunctionVersion.self, from: $0.body) }
        }
        guard let version = try wanted.found(among: kept) else { return (text, nil) }
        let deployment = dispatcher.deployment
        // What a replay or a redrive keeps of a function that is gone is in force for nobody else.
        let inForce = deployment.app.function(named: name) == nil ? nil : deployment.functions[name]?.version
        let key = VersionName.key(of: version, inForce: inForce)
        return (key, key == name ? nil : version)
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
