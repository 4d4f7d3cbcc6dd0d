package import HostAPI
package import Journal

extension DoctorReport.Check {
    /// Whether the journal's file is sound, and, if it is, what the recount came to.
    package static func journal(_ report: AuditReport) -> [Self] {
        guard report.damage.isEmpty else {
            return [
                .init(
                    name: "journal", state: .failed,
                    message: "the database file is damaged, by SQLite's own check; nothing was recounted",
                    details: report.damage,
                    hint: "keep the data folder as it is, and go on with a backup: docs/operating.md, Backup")
            ]
        }
        guard let checked = report.checked else { return [conservation(report)] }
        let seconds = (checked.seconds * 10).rounded() / 10
        let pieces = report.readInPieces
        let names =
            pieces.prefix(5).joined(separator: ", ") + (pieces.count > 5 ? " and \(pieces.count - 5) more" : "")
        return [
            .init(
                name: "journal", state: .ok,
                message: "SQLite finds nothing wrong with the file: \(checked.tables) tables checked in \(seconds) s",
                details: pieces.isEmpty
                    ? []
                    : [
                        "\(names): read row by row, without their indexes. SQLite's own check of "
                            + "so large a table would hold up the host's commits; it is made where no host runs, also "
                            + "on a backup: sluice doctor --data BACKUP"
                    ]),
            conservation(report),
        ]
    }

    /// What the journal's recount came to, and what it covers.
    package static func conservation(_ report: AuditReport) -> Self {
        report.findings.isEmpty
            ? .init(
                name: "conservation", state: .ok,
                message: "every matched event is accounted for: recounted \(report.coverage)", details: report.notes)
            : .init(
                name: "conservation", state: .failed,
                message: "the journal's counts do not add up: recounted \(report.coverage)",
                details: report.findings + report.notes, hint: "keep the data folder as it is and report this")
    }
}
