import EventPatterns
import FunctionJSON

/// EventBridge's `TestEventPattern`: whether a pattern matches an event, neither of which need be known here.
///
/// Refusals in AWS's words: `InvalidEventPatternException`, and `ValidationException` for an event that lacks what an
/// envelope has. Extensions of the pattern language are taken, as a deployment takes them; what a rule may cost the
/// others of a host is left to deployments, for here nothing comes into force (so does `rules test --cases`).
enum TestEventPattern {
    /// As in EventBridge's model.
    private static let maximumPatternLength = 4096
    private static let members = ["id", "account", "source", "time", "region", "resources", "detail-type"]

    static func answer(_ body: [UInt8]) throws -> [UInt8] {
        let call = try TapeDecoder().decode(Call.self, from: body)
        guard let text = call.pattern else { throw AWSError.validation(nil, at: "eventPattern", "not be null") }
        guard let event = call.event else { throw AWSError.validation(nil, at: "event", "not be null") }
        // The model counts characters; what a short text can ask of the parser is bounded.
        guard text.utf16.count <= maximumPatternLength else {
            throw AWSError.validation(
                text, at: "eventPattern", "have length less than or equal to \(maximumPatternLength)")
        }
        let pattern: EventPattern
        do { pattern = try EventPattern(parsing: text, dialect: .extended, limits: .language) } catch {
            throw AWSError("InvalidEventPatternException", error.eventBridgeDescription)
        }
        guard let envelope = try? JSONValue(parsing: Array(event.utf8)), case .object = envelope,
            members.allSatisfy({ envelope[$0] != nil })
        else { throw AWSError("ValidationException", "Parameter Event is not valid.") }
        do {
            return Array(#"{"Result":\#(try pattern.matches(event))}"#.utf8)
        } catch {
            throw AWSError("ValidationException", "Parameter Event is not valid. Reason: \(error.message)")
        }
    }

    private struct Call: Decodable {
        var pattern: String?
        var event: String?

        private enum CodingKeys: String, CodingKey {
            case pattern = "EventPattern"
            case event = "Event"
        }
    }
}
