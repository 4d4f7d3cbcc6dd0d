import AppConfig
import EventModel
import EventTransforms
package import FunctionProtocol
package import Journal

/// What handlers get: the event in its target's input format, or what the target's transformer makes of it. The stored
/// record stays the event.
package struct HandlerInputs: Sendable {
    /// The transformers of one deployment, ready.
    private var transforms: [SubscriptionID: InputTransform] = [:]

    package init() {}

    package init(_ deployment: Deployment) {
        for settings in deployment.subscriptions + deployment.replays.subscriptions {
            // A definition that does not compile was refused by the deployment.
            guard let input = settings.input, let transform = try? InputTransform(input) else { continue }
            transforms[settings.id] = transform
        }
    }

    /// Of one subscription alone.
    package init(_ settings: SubscriptionSettings) {
        if let input = settings.input, let transform = try? InputTransform(input) {
            transforms[settings.id] = transform
        }
    }

    /// Records as Lambda hands them over: `{"Records":[…]}`.
    static func kinesisEvent(of payloads: [[UInt8]]) throws(Failure) -> [UInt8] {
        var text = Array(#"{"Records":["#.utf8)
        text.reserveCapacity(payloads.reduce(20) { $0 + $1.count + 1 })
        for (index, payload) in payloads.enumerated() {
            guard StreamRecordText.isRecord(payload) else {
                throw Failure(
                    code: "InputTransformFailed",
                    message: "`inputFormat: kinesis` is for records of streams, and the event is none", retry: false)
            }
            if index > 0 { text.append(UInt8(ascii: ",")) }
            text += payload
        }
        return text + Array("]}".utf8)
    }

    /// The input for one event. Throws `InputTransformFailed`, which no retry can help.
    package func input(
        of payload: [UInt8], ingested: Milliseconds, settings: SubscriptionSettings?
    ) throws(Failure) -> [UInt8] {
        guard let settings else { return payload }
        if settings.awaitsManifest == true,
            let refusal = ManifestRefusal.failure(of: payload, rule: settings.rule, bus: settings.bus)
        {
            throw refusal
        }
        guard settings.input != nil else {
            switch settings.inputFormat {
            case .eventBridge: return payload
            case .s3Notification: return EventReading.s3Notification(of: payload, rule: settings.rule) ?? payload
            case .kinesis: return try Self.kinesisEvent(of: [payload])
            }
        }
        guard let transform = transforms[settings.id] else {
            throw Failure(
                code: "InputTransformFailed", message: "the target's input definition is not valid; deploy again",
                retry: false)
        }
        do throws(TransformError) {
            return try transform.apply(
                to: payload,
                context: TransformContext(
                    ruleARN: RuleARN.of(rule: settings.rule, bus: settings.bus), ruleName: settings.rule,
                    ingestionTime: Timestamp(milliseconds: ingested).wholeSeconds.description))
        } catch {
            throw Failure(code: "InputTransformFailed", message: error.message, retry: false)
        }
    }
}

extension SubscriptionSettings {
    /// The handler gets something else than the event itself.
    package var changesEvent: Bool { input != nil || inputFormat != .eventBridge }

    /// A handler of single inputs gets a whole batch as one.
    package var isKinesisBatch: Bool { input == nil && inputFormat == .kinesis }
}
