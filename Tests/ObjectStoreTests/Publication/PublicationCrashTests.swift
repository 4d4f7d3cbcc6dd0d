import Glibc
import ObjectStore
import Testing

/// The protocol of publication (docs/architecture.md) against a file system that forgets: it is stopped before every
/// single operation, the machine loses power (or only the process dies), and recovery must end in one of the two
/// outcomes.
@Suite("Publication survives a crash at every operation", .timeLimit(.minutes(5)))
struct PublicationCrashTests {
    static let old = Array("old content".utf8)
    static let new = Array("new content".utf8)
    static let users = Array("a user's".utf8)

    enum Scenario: String, CaseIterable, Sendable {
        /// `race`: the user's file comes between the look and the exchange.
        case create, replace, delete, several, conflict, race
    }

    /// What the journal would know, kept outside of the file system.
    struct Journal {
        var decided: [Publication]?
        var settled = false
        var failed = false
    }

    static func makeDisk(atomicRenames: Bool = false) -> SimulatedFileSystem {
        let files = SimulatedFileSystem(atomicRenames: atomicRenames)
        files.write("present", old, durable: true)
        files.write("second", old, durable: true)
        return files
    }

    /// An invocation: stage, seal, decide, publish, settle, discard. Throws where the file system stops it.
    static func invoke(_ scenario: Scenario, _ files: SimulatedFileSystem, _ journal: inout Journal) throws {
        let bucket = Bucket(name: "b", files: files)
        let attempt = StagingAttempt(boot: 1, number: 1)
        func sealed() throws -> SealedFile {
            let (file, _) = try bucket.createStage(attempt)
            files.write(file.path, new)
            guard let sealed = try bucket.seal([file]).first else { throw TestFailure("nothing sealed") }
            return sealed
        }
        let known = try bucket.version("present")
        let publications: [Publication] =
            switch scenario {
            case .create: [try sealed().publication(key: "x/y/z")]
            case .replace: [try sealed().publication(key: "present", overwrite: true, known: known)]
            case .delete: [bucket.deletion(attempt, key: "present", known: known)]
            case .several:
                [
                    try sealed().publication(key: "x/y/1"), try sealed().publication(key: "x/2"),
                    try sealed().publication(key: "present", overwrite: true, known: known),
                    bucket.deletion(attempt, key: "second", known: try bucket.version("second")),
                ]
            case .conflict, .race:
                [
                    try sealed().publication(key: "x/1"),
                    bucket.deletion(attempt, key: "second", known: try bucket.version("second")),
                    try sealed().publication(key: "present", overwrite: true, known: known),
                ]
            }
        if files.hasStopped { throw TestFailure("stopped") }
        if scenario == .conflict { files.replace("present", users) }
        if scenario == .race { files.replace("present", users, before: "rename") }
        journal.decided = publications
        try finish(bucket, &journal, recovering: false)
    }

    /// Publishes what is decided; as the host does, undoes all of it when one fails for good.
    static func finish(_ bucket: Bucket, _ journal: inout Journal, recovering: Bool) throws {
        guard let publications = journal.decided, !journal.settled, !journal.failed else { return }
        do {
            for publication in publications { _ = try bucket.publish(publication, recovering: recovering) }
            journal.settled = true
        } catch {
            guard error.code == .conflict else { throw error }
            for publication in publications.reversed() { try bucket.undo(publication) }
            journal.failed = true
        }
        bucket.publications.remove(publications)
    }

    static func recover(_ files: SimulatedFileSystem, _ journal: inout Journal) throws {
        let bucket = Bucket(name: "b", files: files)
        try finish(bucket, &journal, recovering: true)
        bucket.cleanStaging(keeping: journal.failed ? [StagingAttempt(boot: 1, number: 1)] : [])
        if files.hasStopped { throw TestFailure("stopped") }
    }

    static func check(_ scenario: Scenario, _ files: SimulatedFileSystem, _ journal: Journal, _ place: String) {
        let done = journal.settled
        let before = ["present": old, "second": old]
        let expected: [String: [UInt8]] =
            switch scenario {
            case .create: done ? before.merging(["x/y/z": new]) { $1 } : before
            case .replace: done ? before.merging(["present": new]) { $1 } : before
            case .delete: done ? ["second": old] : before
            case .several: done ? ["x/y/1": new, "x/2": new, "present": new] : before
            case .conflict, .race:
                journal.decided == nil ? before : ["present": users, "second": old]
            }
        let visible = files.paths.filter { !$0.hasPrefix(".sluice/") }
        #expect(visible == expected.keys.sorted(), "\(place)")
        for (key, content) in expected { #expect(files.content(key) == content, "\(key): \(place)") }
        let staged = files.paths.filter { $0.hasPrefix(".sluice/") }
        if journal.failed {
            for publication in journal.decided ?? [] {
                if case .delete = publication.kind { continue }
                #expect(files.content(publication.staged) == new, "a redrive needs \(publication.staged): \(place)")
            }
        } else if journal.decided == nil || journal.settled {
            #expect(staged.isEmpty, "\(place)")
        }
    }

    @Test(
        "at every operation, by kill and by power loss", arguments: Scenario.allCases,
        SimulatedFileSystem.Crash.allCases)
    func everyOperation(scenario: Scenario, crash: SimulatedFileSystem.Crash) throws {
        var operation = 1
        var outcomes: Set<String> = []
        while true {
            let files = Self.makeDisk()
            var journal = Journal()
            files.stop(at: operation)
            var stopped = false
            do { try Self.invoke(scenario, files, &journal) } catch { stopped = true }
            files.crash(crash)
            try Self.recover(files, &journal)
            Self.check(scenario, files, journal, "\(scenario) \(crash) before operation \(operation)")
            // What recovery says is done stays done.
            files.crash(.powerLoss)
            if journal.settled || journal.failed {
                try Self.recover(files, &journal)
                Self.check(scenario, files, journal, "\(scenario) \(crash), power loss after recovery, \(operation)")
            }
            outcomes.insert(journal.settled ? "settled" : journal.failed ? "failed" : "undecided")
            if !stopped { break }
            operation += 1
        }
        #expect(operation > 10, "the crashes were spread over the protocol")
        #expect(outcomes.contains("undecided"))
        #expect(outcomes.contains([.conflict, .race].contains(scenario) ? "failed" : "settled"))
    }

    /// Renames are atomic here: when a process dies between rename and fsync, and the machine during recovery, no order
    /// of fsyncs could save a file that a folder-by-folder loss may take from both names.
    @Test("and again in the middle of recovery", arguments: Scenario.allCases, SimulatedFileSystem.Crash.allCases)
    func everyPair(scenario: Scenario, crash: SimulatedFileSystem.Crash) throws {
        var operation = 1
        var stopped = true
        while stopped {
            var second = 1
            while true {
                let files = Self.makeDisk(atomicRenames: true)
                var journal = Journal()
                files.stop(at: operation)
                stopped = false
                do { try Self.invoke(scenario, files, &journal) } catch { stopped = true }
                files.crash(crash)
                files.stop(at: second)
                var again = false
                do { try Self.recover(files, &journal) } catch { again = true }
                files.crash(.powerLoss)
                try Self.recover(files, &journal)
                Self.check(scenario, files, journal, "\(scenario) \(crash) at \(operation), power loss at \(second)")
                if !again { break }
                second += 1
            }
            operation += 1
        }
    }

    @Test("a missing fsync would be found: the same run without one loses the object")
    func findsMissingSync() throws {
        let files = SimulatedFileSystem()
        let bucket = Bucket(name: "b", files: files)
        let (file, _) = try bucket.createStage(StagingAttempt(boot: 1, number: 1))
        files.write(file.path, Self.new)
        // Not sealed: renamed as it is.
        try files.makeFolder("x", mode: 0o755)
        try files.rename(file.path, to: "x/y", .noReplace)
        files.crash(.powerLoss)
        #expect(files.paths.isEmpty)
    }
}
