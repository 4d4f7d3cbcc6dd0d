/// `backup`: where to.
package struct BackupRequest: Codable, Sendable, Hashable {
    /// An absolute path; the folder must not hold a journal yet.
    package var destination: String

    package init(destination: String) {
        self.destination = destination
    }
}

/// What was copied.
package struct BackupResult: Codable, Sendable, Hashable {
    package var destination: String
    package var journalBytes: Int64
    /// Versions of functions.
    package var modules: Int

    package init(destination: String, journalBytes: Int64, modules: Int) {
        self.destination = destination
        self.journalBytes = journalBytes
        self.modules = modules
    }
}
