import EventTransforms
import Testing

@Suite("Input transforms: limits")
struct TransformLimitTests {
    private let context = TransformContext(ruleARN: "arn:r", ruleName: "r", ingestionTime: "2024-05-31T00:00:00Z")

    @Test("an index that no array has is refused, whatever its size")
    func indices() throws {
        for index in ["10000001", "9223372036854775807", "9223372036854775808", "99999999999999999999999"] {
            #expect {
                try EventPath("$.detail.a[\(index)]")
            } throws: { error in
                guard let error = error as? TransformError else { return false }
                return error.code == .invalidPath && error.message.contains(index)
            }
        }
        let transform = try InputTransform(.path("$.a[10000000]"))
        #expect {
            try transform.apply(to: Array(#"{"a":[1,2]}"#.utf8), context: context)
        } throws: { error in
            (error as? TransformError)?.code == .pathNotFound
        }
        let last = try InputTransform(.path("$.a[1]"))
        #expect(try last.apply(to: Array(#"{"a":[1,2]}"#.utf8), context: context) == Array("2".utf8))
    }

    @Test("a filled template is bounded: a whole event of the largest size fits, the same many times does not")
    func size() throws {
        let event = Array(#"{"detail":{"text":"\#(String(repeating: "x", count: 1 << 20))"}}"#.utf8)
        let once = try InputTransform(.template(variables: [], #"{"event": <aws.events.event.json>}"#))
        #expect(try once.apply(to: event, context: context).count > 1 << 20)
        let places = Array(repeating: "<e>", count: 2000).joined(separator: ",")
        let often = try InputTransform(.template(variables: [.init(name: "e", path: "$")], "[\(places)]"))
        #expect {
            try often.apply(to: event, context: context)
        } throws: { error in
            guard let error = error as? TransformError else { return false }
            return error.code == .invalidResult && error.message.contains("larger than 2 MB")
        }
    }
}
