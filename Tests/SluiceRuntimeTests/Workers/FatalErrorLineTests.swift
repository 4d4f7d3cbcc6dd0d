import FunctionProtocol
import Journal
import SluiceRuntime
import Testing

@Suite("The words of a trap")
struct FatalErrorLineTests {
    private func line(_ text: String, _ stream: WorkerLogLine.Stream = .stderr) -> WorkerLogLine {
        WorkerLogLine(stream: stream, level: "error", time: 0, text: text)
    }

    @Test("The last fatal error of the standard error, with the place that the handler's author knows")
    func words() {
        let found = FatalErrorLine(in: [
            line("Chaos/Chaos.swift:27: Fatal error: an earlier one"),
            line("Chaos/Chaos.swift:31: Fatal error: no rows"),
            line("Fatal error: of the logger", .logger),
        ])
        #expect(found?.text == "Fatal error: no rows" && found?.place == "Chaos/Chaos.swift:31")
        let index = FatalErrorLine(in: [line("Swift/ContiguousArrayBuffer.swift:675: Fatal error: Index out of range")])
        #expect(index?.text == "Fatal error: Index out of range" && index?.place == nil)
        #expect(FatalErrorLine(in: [line("it went wrong")]) == nil)
        #expect(FatalErrorLine(in: [line("Fatal error: " + String(repeating: "x", count: 9999))])?.text.count == 500)
    }
}
