import Journal
import UVLoop

/// What earlier lives have left of redrives.
extension RedriveJobs {
    /// Takes up the jobs of earlier lives: those that are not through go on.
    package func resume() async throws {
        if !isLoaded { try await load() }
        let stored = jobs.values.sorted { $0.name < $1.name }
        try await reopen(stored)
        for job in stored where job.ended == nil {
            if job.finished { close(job.id) } else { Task { @LoopActor in await run(job.id) } }
        }
        try await forgetOldest()
    }

    /// A page as the journal has it, with those of its letters that some open page has.
    private struct Stored {
        var job: RedriveRecord
        var number: Int
        var page: RedrivePage
        var letters: Set<Int64>

        /// The one that was sent later first. Pages of earlier versions of Sluice do not tell, and go by their jobs.
        static func isLater(_ left: Stored, _ right: Stored) -> Bool {
            let (one, other) = (left.page.order ?? 0, right.page.order ?? 0)
            if one != other { return one > other }
            if left.job.id != right.job.id { return RedriveJobs.isNewer(left.job, right.job) }
            return left.number > right.number
        }
    }

    /// Takes the open pages of jobs up again. A letter that several pages have sent is under way for the last of them,
    /// open or closed: for the others it has died.
    private func reopen(_ stored: [RedriveRecord]) async throws {
        let unended = stored.filter { $0.ended == nil }
        var pages: [Stored] = []
        for job in unended {
            pages += try await self.pages(of: job).filter(\.page.isOpen)
        }
        let open = Set(pages.lazy.flatMap(\.letters))
        guard let oldest = unended.map({ $0.created ?? 0 }).min(), !open.isEmpty else { return }
        for job in stored where job.ended ?? .max >= oldest {
            for var stored in try await self.pages(of: job) where !stored.page.isOpen {
                stored.letters.formIntersection(open)
                if !stored.letters.isEmpty { pages.append(stored) }
            }
        }
        var later: Set<Int64> = []
        for stored in pages.sorted(by: Stored.isLater) {
            if stored.page.isOpen {
                try await reopen(
                    stored.page, at: .init(job: stored.job.id, page: stored.number),
                    elsewhere: later.intersection(stored.letters))
            }
            later.formUnion(stored.letters)
        }
    }

    private func pages(of job: RedriveRecord) async throws -> [Stored] {
        let journal = journal
        return try await files.run {
            try stride(from: 1, through: job.pages ?? 0, by: 1).compactMap { number in
                try journal.value(name: job.name(ofPage: number))
                    .flatMap { JSONText.decode(RedrivePage.self, from: $0) }
                    .map { Stored(job: job, number: number, page: $0, letters: Set($0.sent)) }
            }
        }
    }

    /// What was settled since the page was written is counted from its letters.
    private func reopen(_ page: RedrivePage, at place: RedriveTally.Place, elsewhere: Set<Int64>) async throws {
        let journal = journal
        // Before the letters are read: deliveries run already, and what settles meanwhile is counted once, here or
        // there.
        tally.send(page, at: place, elsewhere: elsewhere)
        let letters = try await files.run { try page.sent.compactMap { try journal.deadLetter(id: $0) } }
        tally.note(Set(letters.lazy.map(\.delivery.subscription)), at: place)
        count(letters.filter { elsewhere.contains($0.id) }.compactMap { tally.fail($0.id, $0.code, at: place) })
        let changes = letters.filter { !elsewhere.contains($0.id) }.compactMap { letter -> DeadLetterChange? in
            switch letter.state {
            case .redriving: nil
            case .redriven: .setState(id: letter.id, .redriven)
            case .dead, .purged:
                .update(
                    {
                        var again = letter
                        again.state = .dead
                        return again
                    }())
            }
        }
        settled(changes)
    }

    /// Jobs are numbered within a host's life, and lives within a data folder: clocks may step back.
    private nonisolated static func isNewer(_ left: RedriveRecord, _ right: RedriveRecord) -> Bool {
        func number(_ job: RedriveRecord) -> [Int64] { job.id.split(separator: "-").compactMap { Int64($0) } }
        return number(right).lexicographicallyPrecedes(number(left))
    }
}
