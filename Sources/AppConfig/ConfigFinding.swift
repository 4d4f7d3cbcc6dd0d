/// One finding in an app folder: what is wrong, where, and what to do about it.
package struct ConfigFinding: Codable, Sendable, Hashable {
    /// Which kind of mistake. Stable: scripts may rely on the text.
    package struct Code: RawRepresentable, Codable, Sendable, Hashable {
        package var rawValue: String

        package init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The file is not YAML, or repeats a key of a mapping.
        package static let invalidYAML = Code(rawValue: "InvalidYAML")
        /// The file, or the text of a pattern, is not JSON, or repeats a member of an object.
        package static let invalidJSON = Code(rawValue: "InvalidJSON")
        /// A key that no version knows.
        package static let unknownKey = Code(rawValue: "UnknownKey")
        /// A key or value that is part of the design, but that this version does not carry out.
        package static let notSupported = Code(rawValue: "NotSupported")
        /// A value of the wrong type or out of its range.
        package static let invalidValue = Code(rawValue: "InvalidValue")
        /// A required key is absent.
        package static let missingKey = Code(rawValue: "MissingKey")
        /// Two things of one kind bear one name.
        package static let duplicateName = Code(rawValue: "DuplicateName")
        /// A name of a function that the app does not have.
        package static let unknownFunction = Code(rawValue: "UnknownFunction")
        /// A name of a bucket that sluice.yaml does not have.
        package static let unknownBucket = Code(rawValue: "UnknownBucket")
        /// A name of an event bus that sluice.yaml does not have.
        package static let unknownBus = Code(rawValue: "UnknownBus")
        /// A name of a stream that sluice.yaml does not have.
        package static let unknownStream = Code(rawValue: "UnknownStream")
        /// A name of a downstream that sluice.yaml does not have.
        package static let unknownDownstream = Code(rawValue: "UnknownDownstream")
        /// The event pattern is not valid.
        package static let invalidPattern = Code(rawValue: "InvalidPattern")
        /// What a target's handler is to get cannot be made: a path, a variable or a template is not valid.
        package static let invalidInput = Code(rawValue: "InvalidInput")
        /// A schedule's expression, date or time zone is not valid.
        package static let invalidSchedule = Code(rawValue: "InvalidSchedule")
        /// Warning: the event pattern uses an operator that EventBridge does not have.
        package static let patternExtension = Code(rawValue: "Extension")
        /// A file or folder that cannot be read, or is not there.
        package static let unreadableFile = Code(rawValue: "UnreadableFile")
        /// Warning: a function may write where a rule listens that starts it.
        package static let possibleLoop = Code(rawValue: "PossibleLoop")
        /// Warning: valid, but it does not do what its author most likely meant.
        package static let suspicious = Code(rawValue: "Suspicious")
    }

    /// Whether it keeps the app from being deployed.
    package enum Severity: String, Codable, Sendable {
        /// The app cannot be deployed.
        case error
        case warning
    }

    package var severity: Severity
    package var code: Code
    /// What is wrong and why, in one sentence without a full stop.
    package var message: String
    /// What to do next, when that is known.
    package var hint: String?
    /// Path beneath the app folder (the app folder itself: its path as given).
    package var file: String
    /// Counted from 1; nil where the finding is the file as a whole. Columns count Unicode scalars.
    package var line: Int?
    package var column: Int?

    package init(
        severity: Severity = .error, code: Code, message: String, hint: String? = nil, file: String, line: Int? = nil,
        column: Int? = nil
    ) {
        self.severity = severity
        self.code = code
        self.message = message
        self.hint = hint
        self.file = file
        self.line = line
        self.column = column
    }
}

extension ConfigFinding: CustomStringConvertible {
    /// `file:line:column: error: message (hint)`: the form that editors and compilers share.
    package var description: String { "\(place): \(severity.rawValue): \(advice)" }

    /// `file:line:column: message (hint)`: for where it is already said that this is an error.
    package var sentence: String { "\(place): \(advice)" }

    private var place: String {
        [file, line.map { "\($0)" }, column.map { "\($0)" }].compactMap(\.self).joined(separator: ":")
    }

    private var advice: String { message + (hint.map { " (\($0))" } ?? "") }
}

/// The app folder cannot be deployed: everything that is wrong with it, in the order of files and lines.
package struct ConfigError: Error, Sendable, CustomStringConvertible {
    /// At least one of severity `error`; warnings come along.
    package var findings: [ConfigFinding]

    package init(findings: [ConfigFinding]) {
        self.findings = findings
    }

    package var description: String {
        findings.map(\.description).joined(separator: "\n")
    }
}
