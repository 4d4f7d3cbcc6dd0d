/// A logger with swift-log's face, without the dependency: levels, metadata, and a value that can be changed and passed
/// on. Lines below the function's `logLevel` are not built at all.
public struct Logger: Sendable {
    /// As in swift-log, from the least to the most severe.
    public enum Level: String, Sendable, Hashable, Codable, CaseIterable, Comparable {
        case trace, debug, info, notice, warning, error, critical

        /// 0 to 6, as the worker's protocol has it.
        package var severity: UInt32 {
            switch self {
            case .trace: 0
            case .debug: 1
            case .info: 2
            case .notice: 3
            case .warning: 4
            case .error: 5
            case .critical: 6
            }
        }

        public static func < (left: Level, right: Level) -> Bool { left.severity < right.severity }
    }

    public typealias Metadata = [String: MetadataValue]

    /// A value beside a message, written in the line as `key=value`.
    public enum MetadataValue: Sendable, Hashable, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
        ExpressibleByDictionaryLiteral, CustomStringConvertible
    {
        case string(String)
        case array([MetadataValue])
        case dictionary(Metadata)

        public init(stringLiteral value: String) { self = .string(value) }
        public init(arrayLiteral elements: MetadataValue...) { self = .array(elements) }
        public init(dictionaryLiteral elements: (String, MetadataValue)...) {
            self = .dictionary(Dictionary(elements, uniquingKeysWith: { _, last in last }))
        }

        /// Any value by its description.
        public static func stringConvertible(_ value: some CustomStringConvertible & Sendable) -> MetadataValue {
            .string(value.description)
        }

        public var description: String {
            switch self {
            case .string(let text): text
            case .array(let elements): "[" + elements.map(\.description).joined(separator: ", ") + "]"
            case .dictionary(let members): "{" + Logger.text(of: members, separator: ", ") + "}"
            }
        }
    }

    private let sink: @Sendable (Level, String) -> Void
    /// The lowest level that is written.
    public var logLevel: Level
    private var metadata: Metadata = [:]

    package init(level: Level, sink: @escaping @Sendable (Level, String) -> Void) {
        logLevel = level
        self.sink = sink
    }

    /// Metadata of every line from here on.
    public subscript(metadataKey key: String) -> MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line.
    public func log(
        level: Level, _ message: @autoclosure () -> String, metadata: @autoclosure () -> Metadata? = nil
    ) {
        guard level >= logLevel else { return }
        var line = message()
        let own = metadata() ?? [:]
        let all = self.metadata.isEmpty ? own : self.metadata.merging(own, uniquingKeysWith: { $1 })
        if !all.isEmpty { line += " " + Self.text(of: all, separator: " ") }
        sink(level, line.utf8.contains(where: { $0 == 10 || $0 == 13 }) ? Self.oneLine(line) : line)
    }

    /// Members sorted by name, values with spaces or quotes in quotes.
    private static func text(of metadata: Metadata, separator: String) -> String {
        metadata.sorted { $0.key < $1.key }.map { name, value in
            let text = value.description
            let needsQuotes = text.isEmpty || text.utf8.contains { $0 == 0x20 || $0 == UInt8(ascii: "\"") }
            return needsQuotes
                ? "\(name)=\"\(text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\""))\""
                : "\(name)=\(text)"
        }.joined(separator: separator)
    }

    /// The log is made of lines: line feeds of a message are written as `\n`.
    private static func oneLine(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension Logger {
    public func trace(_ message: @autoclosure () -> String, metadata: @autoclosure () -> Metadata? = nil) {
        log(level: .trace, message(), metadata: metadata())
    }

    public func debug(_ message: @autoclosure () -> String, metadata: @autoclosure () -> Metadata? = nil) {
        log(level: .debug, message(), metadata: metadata())
    }

    public func info(_ message: @autoclosure () -> String, metadata: @autoclosure () -> Metadata? = nil) {
        log(level: .info, message(), metadata: metadata())
    }

    public func notice(_ message: @autoclosure () -> String, metadata: @autoclosure () -> Metadata? = nil) {
        log(level: .notice, message(), metadata: metadata())
    }

    public func warning(_ message: @autoclosure () -> String, metadata: @autoclosure () -> Metadata? = nil) {
        log(level: .warning, message(), metadata: metadata())
    }

    public func error(_ message: @autoclosure () -> String, metadata: @autoclosure () -> Metadata? = nil) {
        log(level: .error, message(), metadata: metadata())
    }

    public func critical(_ message: @autoclosure () -> String, metadata: @autoclosure () -> Metadata? = nil) {
        log(level: .critical, message(), metadata: metadata())
    }
}
