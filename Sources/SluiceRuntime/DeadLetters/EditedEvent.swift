import EventModel
import FunctionJSON
package import HostAPI

/// An event that was edited for a redrive: it must still be an event, and the same one.
package enum EditedEvent {
    /// Throws `InvalidRequest` with what is wrong.
    package static func check(_ bytes: [UInt8], of id: String) throws(APIError) {
        let event: Event<JSONValue>
        do {
            event = try TapeDecoder().decode(Event<JSONValue>.self, from: bytes)
        } catch {
            throw .invalidRequest(
                "the edited text is no event: \(error)",
                hint: "keep the envelope: id, detail-type, source, time and detail are needed")
        }
        guard event.id == id else {
            throw .invalidRequest(
                "the edited event has the id \(event.id), its dead letter's has \(id)",
                hint: "a redrive keeps the event's id; put a new event with `sluice events put`")
        }
        guard case .object = event.detail else {
            throw .invalidRequest("the edited event's detail is no JSON object")
        }
        guard !event.source.isEmpty, !event.detailType.isEmpty else {
            throw .invalidRequest("the edited event has an empty source or detail-type")
        }
    }
}
