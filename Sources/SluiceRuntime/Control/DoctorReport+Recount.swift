package import HostAPI
package import Journal

extension DoctorReport.Check {
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
