import EventPatterns
import Foundation

/// One line of a conformance file.
struct Case: Sendable, CustomStringConvertible {
    var line: Int
    var group: String
    var pattern: String
    var event: String
    var expected: Expected

    enum Expected: Sendable, Equatable {
        case match(Bool)
        /// With the message where it is part of the contract.
        case patternError(String?)
        case eventError
    }

    var description: String { "line \(line) [\(group)] \(pattern.prefix(300)) | \(event.prefix(300))" }

    /// Whether an answer fulfils the case.
    func accepts(_ answer: CaseAnswer) -> Bool {
        switch (expected, answer) {
        case (.match(let wanted), .match(let found)): wanted == found
        case (.patternError(let wanted), .patternError(let found)): wanted == nil || wanted == found
        case (.eventError, .eventError): true
        default: false
        }
    }

    /// Reads a file beside this source.
    static func load(_ name: String) throws -> [Case] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Conformance")
        let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
        return try text.split(separator: "\n").enumerated().map { index, line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
            let expected: Expected
            switch object["error"] as? String {
            case "pattern": expected = .patternError(object["message"] as? String)
            case "event": expected = .eventError
            default: expected = .match(object["matches"] as? Bool ?? false)
            }
            return Case(
                line: index + 1, group: object["group"] as? String ?? "random",
                pattern: object["pattern"] as? String ?? "", event: object["event"] as? String ?? "",
                expected: expected)
        }
    }
}
