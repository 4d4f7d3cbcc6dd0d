import Foundation
import Testing

@Suite("docs/errors.md")
struct ErrorDocumentTests {
    /// How the sources give an error its code.
    private static let forms =
        #"(?:code: "|CallRefusal\(\s*"|Code = "|Code\("|Code\(rawValue: "|AppFinding\("|refused\(")([A-Z][A-Za-z0-9]+)""#

    /// Names of fields in EventBridge's JSON; what benchmarks make up; the host's word to itself; what only a test host
    /// says.
    private static let others: Set = [
        "ErrorCode", "ErrorMessage", "OnPurpose", "Superseded", "UnknownOperation", "UnknownStage",
    ]

    @Test("Every code that the sources give is described")
    func complete() throws {
        let forms = try Regex(Self.forms)
        let document = try String(contentsOf: FunctionsSupport.root.appending(path: "docs/errors.md"), encoding: .utf8)
        var codes: Set<String> = []
        for folder in ["Sources", "Functions"] {
            let place = FunctionsSupport.root.appending(path: folder)
            let files = try #require(FileManager.default.enumerator(at: place, includingPropertiesForKeys: nil))
            for case let file as URL in files where file.pathExtension == "swift" {
                let path = file.path
                // The pattern engine and JSON speak in messages; their codes reach nobody.
                guard
                    !["/EventPatterns/", "/FunctionJSON/", "/Schedules/", "/Journal/", "/Bench/"]
                        .contains(where: path.contains)
                else { continue }
                for match in try String(contentsOf: file, encoding: .utf8).matches(of: forms) {
                    if let code = match.output[1].substring { codes.insert(String(code)) }
                }
            }
        }
        #expect(codes.count > 80)
        let missing = codes.subtracting(Self.others).filter { !document.contains("`\($0)`") }
        #expect(missing.isEmpty, "\(missing.sorted())")
    }
}
