import FunctionJSON
package import HostAPI
import Journal
import UVLoop

extension HostController {
    package func redrive(_ request: RedriveRequest) async throws -> RedriveJob {
        var request = request
        try await check(&request)
        if request.withCompanions == true, let ids = request.selection.ids {
            request.selection.ids = try await read { try BatchCompanions.adding(to: ids, $0) }
        }
        if request.dryRun {
            let request = request
            let chooser = try DeadLetterChooser(request.selection)
            let outside = await host.deployment.outside
            let looks = request.to == nil && request.payload == nil && request.olderVersions != true
            let (count, first, older) = try await read { journal in
                var (first, seen): ([DeadLetter], Int) = ([], 0)
                var older: [Int64: Milliseconds] = [:]
                try chooser.each(journal) { letters in
                    first += letters.prefix(100 - first.count)
                    guard looks else { return first.count < 100 }
                    let found = try NewerVersion.times(of: letters, outside: outside, journal)
                    older.merge(found) { $1 }
                    seen += letters.count
                    return seen < Self.maximumExamined
                }
                return (try chooser.count(journal).count, first, older)
            }
            return RedriveJob(
                id: "", state: .completed, isDryRun: true, selected: count,
                letters: first.map { DeadLetterSummary($0, newerVersion: older[$0.id]) },
                selection: request.selection, to: request.to, older: older.isEmpty ? nil : older.count)
        }
        try await host.requireLetGo()
        do {
            return try await host.redrives.start(request)
        } catch let error as JournalError {
            throw APIError.unavailable(
                "the redrive was not started, for the journal cannot write: \(error.message)",
                hint: error.isPassing ? "make room on the data folder's disk, and start it again" : nil)
        }
    }

    /// Letters whose objects a dry run looks up.
    private static let maximumExamined = 100_000

    private func check(_ request: inout RedriveRequest) async throws {
        try Self.check(request.selection)
        if request.withCompanions == true, request.selection.ids == nil || request.payload != nil {
            throw APIError.invalidRequest(
                "companions go with dead letters that are named, and with events as they are", hint: "name ids")
        }
        try RequestedRate.check(request.rate)
        if let to = request.to {
            let target = try await host.redrives.target(to)
            if target.version == nil, await !host.isOffered(target.key) {
                throw APIError.notFound("function", to, hint: "`sluice functions list` shows what is deployed")
            }
        }
        guard let edited = request.payload else { return }
        guard let ids = request.selection.ids, Set(ids).count == 1, let id = ids.first else {
            throw APIError.invalidRequest("an edited event is for one dead letter", hint: "name one id")
        }
        guard let letter = try await read({ try $0.deadLetter(id: id) }) else {
            throw APIError.notFound("dead letter", "\(id)", hint: "`sluice dlq list --letters` shows their ids")
        }
        request.payload = try RawJSON(EditedEvent.whole(edited.bytes, of: letter))
    }

    static func check(_ selection: DeadLetterSelection) throws {
        guard !selection.isEmpty else {
            throw APIError.invalidRequest(
                "nothing is selected",
                hint: "name ids, --function, --fingerprint, --since, --event-pattern, or --all")
        }
    }

    package func redriveJob(id: String) async throws -> RedriveJob {
        guard let job = await host.redrives.job(id) else {
            throw APIError.notFound("redrive job", id, hint: "`sluice dlq jobs` shows them")
        }
        return job
    }

    package func listRedrives() async throws -> [RedriveJob] { await host.redrives.list() }

    package func redriveOutcomes(id: String, page: Int) async throws -> [RedriveOutcome] {
        let job = try await redriveJob(id: id)
        guard page <= job.pages ?? 0 else { return [] }
        return try await host.redrives.outcomes(of: id, page: page) ?? []
    }

    package func cancelRedrive(id: String) async throws -> RedriveJob {
        do {
            guard let job = try await host.redrives.cancel(id) else {
                throw APIError.notFound("redrive job", id, hint: "`sluice dlq jobs` shows them")
            }
            return job
        } catch let error as JournalError {
            throw APIError.unavailable(
                "\(id) sends nothing more, but the journal cannot write that now: \(error.message)",
                hint: Self.writtenLater)
        }
    }

    /// Of what is done in memory and not in the journal.
    static let writtenLater =
        "make room; it is written as soon as that is possible, and a host that ends before goes on with the job"
}
