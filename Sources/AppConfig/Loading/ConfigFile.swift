/// Collects what is wrong in the files of one app.
final class ProblemCollector {
    private(set) var problems: [ConfigProblem] = []

    func add(_ problem: ConfigProblem) {
        problems.append(problem)
    }

    /// In the order of files and lines.
    var sorted: [ConfigProblem] {
        problems.enumerated().sorted { left, right in
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
    let collector: ProblemCollector

    func report(
        _ code: ConfigProblem.Code, _ message: String, at place: Place?, hint: String? = nil,
        severity: ConfigProblem.Severity = .error
    ) {
        collector.add(
            ConfigProblem(
                severity: severity, code: code, message: message, hint: hint, file: name, line: place?.line,
                column: place?.column))
    }
}
