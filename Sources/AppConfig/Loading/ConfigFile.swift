/// Collects what is wrong in the files of one app.
final class FindingCollector {
    private(set) var findings: [ConfigFinding] = []

    func add(_ finding: ConfigFinding) {
        findings.append(finding)
    }

    /// In the order of files and lines.
    var sorted: [ConfigFinding] {
        findings.enumerated().sorted { left, right in
            let (a, b) = (left.element, right.element)
            if a.file != b.file { return a.file < b.file }
            let places = ((a.line ?? 0, a.column ?? 0), (b.line ?? 0, b.column ?? 0))
            return places.0 == places.1 ? left.offset < right.offset : places.0 < places.1
        }.map(\.element)
    }
}

/// One file of an app, for reporting.
struct ConfigFile {
    /// Path beneath the app folder.
    let name: String
    let collector: FindingCollector

    func report(
        _ code: ConfigFinding.Code, _ message: String, at place: Place?, hint: String? = nil,
        severity: ConfigFinding.Severity = .error
    ) {
        collector.add(
            ConfigFinding(
                severity: severity, code: code, message: message, hint: hint, file: name, line: place?.line,
                column: place?.column))
    }
}
