import Columnar
import Foundation
import Testing

@Suite("Input settings")
struct InputSettingsTests {
    private func options(_ json: String) throws -> ConversionOptions {
        var options = ConversionOptions()
        try JSONDecoder().decode(InputSettings.self, from: Data(json.utf8)).apply(to: &options)
        return options
    }

    @Test("every word sets its option")
    func words() throws {
        let csv = try options(
            #"""
            {"format": "csv", "encoding": "windows-1252", "delimiter": "tab", "quote": "'", "escape": "\\", "comment": "#",
            "header": false, "columnNames": ["a", "b"], "trim": true, "nullTokens": ["NA"]}
            """#)
        #expect(csv.format == .csv && csv.csv.encoding == .windows1252 && csv.csv.delimiter == "\t")
        #expect(csv.csv.quote == "'" && csv.csv.escape == "\\" && csv.csv.comment == "#" && !csv.csv.hasHeader)
        #expect(csv.csv.columnNames == ["a", "b"] && csv.csv.trimsFields && csv.csv.nullTokens == ["NA"])
        #expect(try options(#"{"quote": "none"}"#).csv.quote == nil)
        #expect(try options("{}").csv.quote == "\"")
        #expect(try options(#"{"logFormat": "nginx"}"#).format == .accessLog(try AccessLogFormat("nginx")))
        #expect(try options(#"{"format": "ndjson"}"#).format == .ndjson)
        #expect(try options(#"{"format": "json"}"#).format == .json)
        #expect(try options(#"{"format": "access-log"}"#).format == .accessLog(try AccessLogFormat("combined")))
        let fixed = try options(#"{"layout": {"columns": ["a:1-3:bigint"], "skipLines": 1}}"#)
        guard case .fixedWidth(let layout) = fixed.format else { return #expect(Bool(false), "\(fixed.format)") }
        #expect(layout.columns.map(\.name) == ["a"] && layout.skippedLines == 1)
        var settings = InputSettings()
        settings.layout = layout
        let again = try JSONDecoder().decode(InputSettings.self, from: JSONEncoder().encode(settings))
        #expect(again == settings)
    }

    @Test(
        "wrong words and settings that do not go together are named",
        arguments: [
            (#"{"format": "xml"}"#, "xml"), (#"{"encoding": "ebcdic"}"#, "ebcdic"),
            (#"{"delimiter": ",,"}"#, "delimiter"),
            (#"{"quote": "é"}"#, "quote"), (#"{"columnNames": ["a"]}"#, "header"),
            (#"{"format": "csv", "logFormat": "common"}"#, "logFormat"), (#"{"format": "fixed-width"}"#, "layout"),
            (#"{"format": "csv", "layout": {"columns": ["a:1-2"]}}"#, "layout"),
        ])
    func wrong(_ json: String, _ word: String) {
        let error = columnarError { _ = try self.options(json) }
        #expect(error?.code == .invalidConfiguration && error?.message.contains(word) == true)
    }
}
