package import HostAPI
package import Journal

/// A redrive as the journal keeps it: what was asked, how far it is, and what came of it. Its cursor commits with what
/// it has sent, so the next host goes on where this one stopped.
package struct RedriveRecord: Codable, Sendable {
    package var id: String
    package var selection: DeadLetterSelection
    /// Another function instead of the target's.
    package var to: String?
    /// Pinned where `to` is `NAME@VERSION`.
    package var version: FunctionVersion?
    /// The event that is sent instead of the one dead letter's own.
    package var edit: String?
    /// Who asked, as the client says.
    package var by: String?
    package var created: Milliseconds?
    package var ended: Milliseconds?
    /// Dead letters that came later are not taken.
    package var lastID: Int64
    package var cursor: Int64
    package var selected: Int
    package var sent: Int
    /// Outcomes of pages that are closed; those of open ones are counted from the letters.
    package var succeeded: Int?
    package var failed: Int?
    package var pages: Int?
    package var rate: Double?
    /// Objects that were replaced are no reason to leave a letter alone.
    package var olderVersions: Bool?
    /// How many were left alone for that reason; they are among those that failed.
    package var older: Int?
    /// Everything is sent.
    package var finished: Bool
    package var cancelled: Bool?
    /// Why it ended before everything was sent.
    package var reason: String?

    package init(
        id: String, selection: DeadLetterSelection, to: String? = nil, edit: String? = nil, by: String? = nil,
        created: Milliseconds, lastID: Int64, selected: Int, rate: Double? = nil, olderVersions: Bool? = nil,
        version: FunctionVersion? = nil
    ) {
        self.id = id
        self.selection = selection
        self.to = to
        self.version = version
        self.edit = edit
        self.by = by
        self.created = created
        self.lastID = lastID
        cursor = 0
        self.selected = selected
        sent = 0
        self.rate = rate
        self.olderVersions = olderVersions
        finished = selected == 0
        if finished { ended = created }
    }

    static let prefix = "redrive/"
    var name: String { Self.prefix + id }
    func name(ofPage number: Int) -> String { "redriven/\(id)/\(number)" }

    /// The functions that jobs which are not over send to instead of the targets' own. Blocking.
    package static func functions(in journal: any JournalStore) throws(JournalError) -> Set<String> {
        let jobs = try journal.values(prefix: prefix).compactMap { JSONText.decode(RedriveRecord.self, from: $0.body) }
        return Set(jobs.lazy.filter { $0.ended == nil }.compactMap(\.to))
    }
}

/// Dead letters that one commit of a redrive has sent, with their outcomes: the audit trail's body.
package struct RedrivePage: Codable, Sendable, Hashable {
    /// One that died again.
    package struct Failed: Codable, Sendable, Hashable {
        package var id: Int64
        package var code: String

        package init(id: Int64, code: String) {
            self.id = id
            self.code = code
        }
    }

    /// The ids sent, as first and last of each run, in order.
    package private(set) var runs: [[Int64]] = []
    /// In the order in which they died.
    package private(set) var failed: [Failed] = []
    /// Some are not settled yet.
    package private(set) var isOpen = true
    /// When it was sent, among all pages; nil in those of earlier versions.
    package private(set) var order: Int64?

    package init(_ ids: some Sequence<Int64>, order: Int64? = nil) {
        self.order = order
        for id in ids {
            if let last = runs.last?.last, last == id - 1 {
                runs[runs.count - 1][1] = id
            } else {
                runs.append([id, id])
            }
        }
    }

    package var ids: [Int64] {
        runs.flatMap { run in run.count == 2 && run[0] <= run[1] ? Array(run[0]...run[1]) : [] }
    }

    /// Without those that have failed: of a page as it is sent, what was not left alone.
    package var sent: [Int64] {
        guard !failed.isEmpty else { return ids }
        let failed = Set(failed.map(\.id))
        return ids.filter { !failed.contains($0) }
    }

    package mutating func fail(_ id: Int64, _ code: String) { failed.append(Failed(id: id, code: code)) }
    package mutating func close() { isOpen = false }
}

/// Which dead letters are under way, for which job and page: what turns the journal's commits into a job's outcomes.
/// Pure.
package struct RedriveTally: Sendable {
    package struct Place: Sendable, Hashable {
        package var job: String
        package var page: Int

        package init(job: String, page: Int) {
            self.job = job
            self.page = page
        }
    }

    private struct Open: Sendable {
        var page: RedrivePage
        var subscriptions: Set<SubscriptionID>
        var left: Int
        var succeeded = 0
    }

    private var letters: [Int64: Place] = [:]
    private var open: [Place: Open] = [:]

    package init() {}

    /// Whether a redrive has the letter under way.
    package func has(_ letter: Int64) -> Bool { letters[letter] != nil }

    /// The job that has the letter under way.
    package func job(of letter: Int64) -> String? { letters[letter]?.job }

    package var underWay: Int { letters.count }

    /// What closed a page.
    package typealias Closed = (place: Place, page: RedrivePage, succeeded: Int)

    /// Letters were sent to subscriptions: their commit is durable. Those that were sent again since, `elsewhere`, are
    /// under way for others: `fail` tells of them. Those that the page has as failed were left alone.
    package mutating func send(
        _ page: RedrivePage, at place: Place, to subscriptions: Set<SubscriptionID> = [], elsewhere: Set<Int64> = []
    ) {
        let ids = page.sent
        open[place] = Open(page: page, subscriptions: subscriptions, left: ids.count)
        for id in ids where !elsewhere.contains(id) { letters[id] = place }
    }

    /// A letter of a page has died again before another page sent it.
    package mutating func fail(_ letter: Int64, _ code: String, at place: Place) -> Closed? {
        end(letter, at: place, failure: code)
    }

    /// A letter's redrive has ended; `code` of the failure where it is dead again. What comes back is the page that is
    /// closed by it, with how many succeeded.
    package mutating func settle(_ letter: Int64, failure code: String?) -> Closed? {
        guard let place = letters.removeValue(forKey: letter) else { return nil }
        return end(letter, at: place, failure: code)
    }

    private mutating func end(_ letter: Int64, at place: Place, failure code: String?) -> Closed? {
        guard var entry = open.removeValue(forKey: place) else { return nil }
        if let code { entry.page.fail(letter, code) } else { entry.succeeded += 1 }
        entry.left -= 1
        guard entry.left == 0 else {
            open[place] = entry
            return nil
        }
        entry.page.close()
        return (place, entry.page, entry.succeeded)
    }

    /// How many letters of a job are under way.
    package func left(of job: String) -> Int { open.reduce(0) { $0 + ($1.key.job == job ? $1.value.left : 0) } }

    /// Of the pages of a job that are not closed.
    package func standing(of job: String) -> (left: Int, succeeded: Int, failed: Int, pages: Int) {
        var standing = (left: 0, succeeded: 0, failed: 0, pages: 0)
        for (place, entry) in open where place.job == job {
            standing.left += entry.left
            standing.succeeded += entry.succeeded
            standing.failed += entry.page.failed.count
            standing.pages += 1
        }
        return standing
    }

    /// Where the letters of a job have gone that are under way, and perhaps others of their pages.
    package func subscriptions(of job: String) -> Set<SubscriptionID> {
        open.reduce(into: []) { if $1.key.job == job { $0.formUnion($1.value.subscriptions) } }
    }

    /// Says where a page's letters have gone, as an earlier life has left it.
    package mutating func note(_ subscriptions: Set<SubscriptionID>, at place: Place) {
        open[place]?.subscriptions = subscriptions
    }

    /// The page as it stands, where it is open.
    package func page(at place: Place) -> RedrivePage? { open[place]?.page }
}
