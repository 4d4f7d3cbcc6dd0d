import EventPatterns
import Foundation

/// The conformance files beside this source.
enum CaseFile {
    struct Line: CustomStringConvertible {
        var number: Int
        var item: PatternCase

        var description: String {
            let pattern = String(decoding: item.pattern.prefix(300), as: UTF8.self)
            return
                "line \(number) [\(item.group)] \(pattern) | \(String(decoding: item.event.prefix(300), as: UTF8.self))"
        }
    }

    static func load(_ name: String) throws -> [Line] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Conformance")
        let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
        return try bytes.split(separator: UInt8(ascii: "\n")).enumerated().map { index, line in
            Line(number: index + 1, item: try PatternCase(line: Array(line)))
        }
    }
}
