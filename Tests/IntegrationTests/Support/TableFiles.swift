import Foundation
import Gateway
import HostAPI
import Testing

extension HostProcess {
    /// The kept inputs of a bucket's dead letters.
    func kept(_ bucket: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: self.bucket(bucket) + "/.sluice/kept")) ?? []
    }
}

/// Waits until a table has its files, and compares the catalog with the disk.
func expectTable(
    _ host: HostProcess, _ database: String, files: Int, rows: Int64, sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let table = try await host.wait(for: "\(files) files in \(database).t") {
        do {
            let table = try await host.client.table(database: database, name: "t")
            return table.files.count >= files ? table : nil
        } catch let error as APIError where error.status == 404 {
            return nil
        }
    }
    try await host.settled()
    let keys = host.keys("clean-zone").filter { $0.hasPrefix("\(database)/") }
    let now = try await host.client.table(database: database, name: "t")
    #expect(now.files.count == files && now.table.rows == rows, "\(table.table)", sourceLocation: sourceLocation)
    #expect(now.files.map(\.key).sorted() == keys, "catalog and disk differ", sourceLocation: sourceLocation)
}
