import Foundation
import Gateway
import HostAPI

/// Everything that a dry run must leave alone, as other tools see it.
struct World {
    var files: [String]
    /// How many rows each table of the journal has, by Python's own SQLite.
    var journal: [String]
    var logs: [String]

    init(_ host: HostProcess) async throws {
        func listing(_ folder: String) -> [String] {
            (FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? []).sorted().compactMap {
                name in
                guard !name.contains(".sluice"),
                    let file = try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")
                else { return nil }
                let parts: [Any?] = [
                    file[.systemFileNumber], file[.size], (file[.modificationDate] as? Date)?.timeIntervalSince1970,
                ]
                return "\(name) \(parts.map { $0.map { "\($0)" } ?? "?" })"
            }
        }
        files = listing(host.data + "/buckets")
        logs = listing(host.data + "/logs")
        journal = try await ParquetReaders.lines([
            "-c",
            """
            import sqlite3, sys
            db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
            for (name,) in db.execute("select name from sqlite_master where type = 'table' order by name").fetchall():
                if name.startswith("sqlite_"): continue
                where = " where name not like 'replay/%' and name not like 'running/%'" if name == "value" else ""
                print(name, db.execute(f"select count(*) from {name}{where}").fetchall()[0][0])
            print(db.execute("select * from progress order by subscription").fetchall())
            """, host.data + "/journal/journal.sqlite",
        ])
    }
}

extension HostProcess {
    /// Waits until a replay is over.
    func over(replay name: String) async throws -> ReplayInfo {
        try await wait(for: "replay \(name) to end") {
            let replay = try await client.replay(name: name)
            return replay.isOver ? replay : nil
        }
    }
}
