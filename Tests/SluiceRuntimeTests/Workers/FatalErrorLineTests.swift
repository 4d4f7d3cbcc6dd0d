import FunctionProtocol
import Journal
import SluiceRuntime
import Testing

@Suite("The words of a trap")
struct FatalErrorLineTests {
    private func found(_ lines: String...) -> FatalErrorLine? {
        var logs = LogCapture()
        for line in lines { logs.add(Array("\(line)\n".utf8)[...], from: .stderr, at: 0) }
        return FatalErrorLine(in: logs.lines)
    }

    @Test("The last fatal error of the standard error, with the place that the handler's author knows")
    func words() {
        let last = found(
            "Chaos/Chaos.swift:27: Fatal error: an earlier one", "Chaos/Chaos.swift:31: Fatal error: no \"rows\"",
            "upstream says: Fatal error: connection lost")
        #expect(last?.text == "Fatal error: no \"rows\"" && last?.place == "Chaos/Chaos.swift:31")
        #expect(last?.words == "Fatal error: \"no 'rows'\", at Chaos/Chaos.swift:31")
        let index = found("Swift/ContiguousArrayBuffer.swift:675: Fatal error: Index out of range")
        #expect(index?.words == "Fatal error: Index out of range" && index?.place == nil)
        let missing = found("A/B.swift:2: Fatal error: Unexpectedly found nil while unwrapping an Optional value")
        #expect(
            missing?.words == "Fatal error: Unexpectedly found nil while unwrapping an Optional value, at A/B.swift:2")
        #expect(found("A/B.swift:2: Fatal error")?.words == "Fatal error, at A/B.swift:2")
        #expect(found("it went wrong") == nil)
        #expect(found("Fatal error: " + String(repeating: "x", count: 9999))?.text.count == 500)
    }
}
