import EventModel
import FunctionJSON
import Testing

@Suite("PutEvents entries")
struct PutEventsEntryTests {
    private func refusal(
        source: String? = "my.app", detailType: String? = "T", detail: String? = "{}", time: String? = nil
    ) -> String? {
        do {
            _ = try PutEventsEntry(source: source, detailType: detailType, detail: detail, time: time).validate()
            return nil
        } catch {
            return error.description
        }
    }

    @Test("the messages of EventBridge")
    func messages() {
        #expect(refusal() == nil)
        #expect(
            refusal(source: nil)
                == "InvalidArgument: Parameter Source is not valid. Reason: Source is a required argument.")
        #expect(
            refusal(detailType: "")
                == "InvalidArgument: Parameter DetailType is not valid. Reason: DetailType is a required argument.")
        #expect(
            refusal(detail: nil)
                == "InvalidArgument: Parameter Detail is not valid. Reason: Detail is a required argument.")
        #expect(refusal(source: "aws.s3") == "NotAuthorizedForSourceException: Not authorized for the source.")
        #expect(refusal(detail: "[]") == "MalformedDetail: Detail is malformed.")
        #expect(
            refusal(detail: "{}}")
                == "MalformedDetail: Detail is malformed. (line 1, column 3 (byte 2): expected the end after the value, found '}')"
        )
        #expect(refusal(detailType: String(repeating: "é", count: 128)) == nil)
        #expect(refusal(detailType: String(repeating: "é", count: 129)) != nil)
        #expect(refusal(time: "yesterday") != nil)
        #expect(refusal(time: "2021-11-12T00:00:00Z") == nil)
    }

    @Test("sizes are counted as EventBridge counts them")
    func sizes() {
        let entry = PutEventsEntry(
            source: "é", detailType: "ab", detail: "{}", resources: ["xyz"], time: "2021-11-12T00:00:00Z")
        #expect(entry.size == 14 + 2 + 2 + 2 + 3)
        #expect(PutEventsEntry.refusal(ofRequest: []) != nil)
        #expect(PutEventsEntry.refusal(ofRequest: Array(repeating: entry, count: 10)) == nil)
        #expect(PutEventsEntry.refusal(ofRequest: Array(repeating: entry, count: 11)) != nil)
        let large = PutEventsEntry(
            source: "s", detailType: "t", detail: #"{"a":""# + String(repeating: "x", count: 600_000) + #""}"#)
        #expect(PutEventsEntry.refusal(ofRequest: [large]) == nil)
        #expect(
            PutEventsEntry.refusal(ofRequest: [large, large])?.errorMessage
                == "Total size of the entries in the request is over the limit.")
    }

    @Test("a detail nested deeper than the event around it could be read is refused, parsed already or not")
    func depth() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: #"{"a":"#, count: depth) + "1" + String(repeating: "}", count: depth)
        }
        let most = PutEventsEntry.maximumDetailDepth
        #expect(refusal(detail: nested(most)) == nil)
        #expect(refusal(detail: nested(most + 1))?.contains("more than \(most) nested") == true)
        let flat = "{\"a\":[" + Array(repeating: "{}", count: 2000).joined(separator: ",") + "]}"
        for (text, passes) in [(nested(most), true), (nested(most + 1), false), (flat, true)] {
            let entry = PutEventsEntry(
                source: "s", detailType: "t", readDetail: .init(try RawJSON(text), traits: nil))
            if passes {
                _ = try entry.validate()
            } else {
                #expect(throws: PutEventsEntry.Refusal.self) { try entry.validate() }
            }
        }
    }

    @Test("the host itself may use reserved sources")
    func reserved() throws {
        let entry = PutEventsEntry(source: "aws.s3", detailType: "Object Created", detail: #"{"a":1}"#)
        #expect(try entry.validate(allowReserved: true).detail.json.bytes == Array(#"{"a":1}"#.utf8))
    }

    @Test("nobody else may speak for the host", arguments: ["aws.s3", "aws.", "sluice.manifests", "sluice.targets"])
    func forged(_ source: String) throws {
        let entry = PutEventsEntry(source: source, detailType: "Manifest Complete", detail: "{}")
        #expect(throws: PutEventsEntry.Refusal.self) { try entry.validate() }
        #expect(try entry.validate(allowReserved: true).source == source)
        for source in ["sluice", "sluices.x", "Sluice.x"] {
            let entry = PutEventsEntry(source: source, detailType: "x", detail: "{}")
            #expect(try entry.validate().source == source)
        }
    }
}
