import EventTransforms
import Testing

private let event = """
    {"version": "0", "id": "e1", "detail-type": "Order Placed", "source": "shop", "account": "123456789012",
     "time": "2026-11-21T04:05:06Z", "region": "local", "resources": ["arn:one", "arn:two"],
     "detail": {"command": "update-account", "count": 3, "price": 1.50, "paid": true, "note": null,
       "payload": {"acc_id": "0a78", "sf_id": "baz"}, "states": ["ACTIVE", "INACTIVE"], "numbers": [1, 2],
       "quoted": "say \\"hi\\"\\n", "empty": {}, "a/b": "slash", "dash-ed": "d",
       "lines": [{"sku": "A", "n": 1}, {"sku": "B"}]}}
    """

private let context = TransformContext(
    ruleARN: "arn:aws:events:local:000000000000:rule/orders", ruleName: "orders",
    ingestionTime: "2026-11-21T04:05:07Z")

private let variables: [InputDefinition.Variable] = [
    ("command", "$.detail.command"), ("payload", "$.detail.payload"), ("states", "$.detail.states"),
    ("numbers", "$.detail.numbers"), ("count", "$.detail.count"), ("price", "$.detail.price"),
    ("paid", "$.detail.paid"), ("note", "$.detail.note"), ("quoted", "$.detail.quoted"), ("nothing", "$.detail.nope"),
    ("type", "$.detail-type"), ("second", "$.resources[1]"), ("skus", "$.detail.lines[*].sku"),
    ("all", "$.detail.empty.*"),
].map { InputDefinition.Variable(name: $0.0, path: $0.1) }

private func apply(_ definition: InputDefinition) throws -> String {
    String(decoding: try InputTransform(definition).apply(to: Array(event.utf8), context: context), as: UTF8.self)
}

@Suite("Input transformers")
struct InputTransformTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var template: String
        var result: String

        init(_ template: String, _ result: String) {
            self.template = template
            self.result = result
        }

        var testDescription: String { template }
    }

    @Test(
        "a template is filled as AWS fills it",
        arguments: [
            Case(#"{"a": <command>}"#, #"{"a":"update-account"}"#),
            Case(#"{"a": "<command>"}"#, #"{"a":"update-account"}"#),
            Case(#"{"a": "x <command> y <command>"}"#, #"{"a":"x update-account y update-account"}"#),
            Case(
                #"{"a": <payload>, "b": [<command>, "fixed"]}"#,
                #"{"a":{"acc_id":"0a78","sf_id":"baz"},"b":["update-account","fixed"]}"#),
            Case(
                #"{"a": <states>, "n": <count>, "p": <price>, "t": <paid>, "z": <note>}"#,
                #"{"a":["ACTIVE","INACTIVE"],"n":3,"p":1.50,"t":true,"z":null}"#),
            Case(#"{"a": <nothing>, "b": "<nothing>", "c": "x<nothing>y"}"#, #"{"a":"","b":"","c":"xy"}"#),
            Case(#"{"a": "<count> <paid> <price>"}"#, #"{"a":"3 true 1.50"}"#),
            Case(#"{"a": "<numbers>"}"#, #"{"a":"[1,2]"}"#),
            Case(
                #""Payload of <payload>, states <states>, paid <paid>""#,
                #""Payload of {acc_id:0a78,sf_id:baz}, states [ACTIVE,INACTIVE], paid true""#),
            Case(#""<type>: <nothing>.""#, #""Order Placed: .""#),
            Case("\"first <command>\"\n\"second <count>\"", #""first update-account\nsecond 3""#),
            Case(#""state \"<command>\"""#, #""state \"update-account\"""#),
            Case(#"{"a": <quoted>, "b": "<quoted>"}"#, #"{"a":"say \"hi\"\n","b":"say \"hi\"\n"}"#),
            Case(#"{"a": <second>, "b": <skus>, "c": <all>}"#, #"{"a":"arn:two","b":["A","B"],"c":[]}"#),
            Case(
                #"{"r": <aws.events.rule-name>, "arn": "<aws.events.rule-arn>", "t": <aws.events.event.ingestion-time>}"#,
                #"{"r":"orders","arn":"arn:aws:events:local:000000000000:rule/orders","t":"2026-11-21T04:05:07Z"}"#),
            Case(
                "{\"e\": <aws.events.event>}",
                #"{"e":{"version":"0","id":"e1","detailType":"Order Placed","source":"shop","account":"123456789012","time":"2026-11-21T04:05:06Z","region":"local","resources":["arn:one","arn:two"]}}"#
            ),
            Case("<payload>", #"{"acc_id":"0a78","sf_id":"baz"}"#),
            Case(" <command> ", #""update-account""#),
            Case("{\"a\": \"1 < 2\",\n \"b\": 2}", #"{"a":"1 < 2","b":2}"#),
            Case("[<count>, {\"static\": [9, true]}]", #"[3,{"static":[9,true]}]"#),
        ])
    func filling(_ one: Case) throws {
        #expect(try apply(.template(variables: variables, one.template)) == one.result)
    }

    @Test("the whole event keeps its own member names")
    func wholeEvent() throws {
        let result = try apply(.template(variables: [], "{\"e\": <aws.events.event.json>}"))
        #expect(result.hasPrefix(#"{"e":{"version":"0","id":"e1","detail-type":"Order Placed""#))
        #expect(result.contains(#""detail":{"command":"update-account""#))
    }

    @Test(
        "an object within a quoted JSON value gives no JSON, and is an error where AWS drops the event",
        arguments: [#"{"a": "<payload>"}"#, #"{"a": "x <states>"}"#])
    func notDelivered(_ template: String) {
        #expect {
            try apply(.template(variables: variables, template))
        } throws: { error in
            (error as? TransformError)?.code == .invalidResult
        }
    }

    @Test(
        "a template that can never work is refused",
        arguments: [
            (#"{"a": <unknown>}"#, "invalid placeholder <unknown>"),
            (#"{"a": <aws.events.other>}"#, "invalid placeholder"),
            (#"{"<command>": 1}"#, "name of a member"), (#"{"x <command>" : 1}"#, "name of a member"),
            (#"{<command>: 1}"#, "not JSON"), ("<command> <count>", "not JSON"), ("plain <command>", "not JSON"),
            (#"{"a": "<aws.events.event>"}"#, "only be a value"), (#""<aws.events.event.json>""#, "only be a value"),
            ("{\"a\": 1", "not JSON"), ("\"a\"\nb", "not JSON"), ("", "between 1 and 8192"),
            (String(repeating: " ", count: 8192) + "1", "between 1 and 8192"), ("\"a\": 1", "not JSON"),
            ("  \n ", "not JSON"),
        ])
    func invalidTemplates(_ template: String, _ says: String) {
        #expect {
            try InputTransform(.template(variables: variables, template))
        } throws: { error in
            guard let error = error as? TransformError else { return false }
            return error.code == .invalidTemplate && error.message.contains(says)
        }
    }

    @Test("variables have names and limits")
    func variableNames() {
        func refuses(_ variables: [InputDefinition.Variable]) -> Bool {
            (try? InputTransform(.template(variables: variables, "{}"))) == nil
        }
        #expect(refuses([.init(name: "AWSx", path: "$.id")]))
        #expect(refuses([.init(name: "a b", path: "$.id")]))
        #expect(refuses([.init(name: "", path: "$.id")]))
        #expect(refuses([.init(name: "a", path: "id")]))
        #expect(refuses((0...100).map { .init(name: "v\($0)", path: "$.id") }))
        #expect(!refuses((0..<100).map { .init(name: "v\($0)", path: "$.id") }))
    }

    @Test(
        "inputPath gives a part of the event",
        arguments: [
            ("$.detail.payload", #"{"acc_id":"0a78","sf_id":"baz"}"#), ("$.detail.payload.sf_id", #""baz""#),
            ("$.detail.states[0]", #""ACTIVE""#), ("$.detail.lines[*].n", "[1]"), ("$.detail.a/b", #""slash""#),
            ("$.detail.dash-ed", #""d""#), ("$.detail.price", "1.50"), ("$.detail.note", "null"),
            ("$.resources", #"["arn:one","arn:two"]"#),
            ("$.detail.payload.*", #"["0a78","baz"]"#), ("$.detail.nope[*]", "[]"),
        ])
    func paths(_ path: String, _ result: String) throws {
        #expect(try apply(.path(path)) == result)
    }

    @Test("the root is the event itself, without white space")
    func root() throws {
        let result = try apply(.path("$"))
        #expect(result.hasPrefix(#"{"version":"0","id":"e1","#) && !result.contains("\n"))
    }

    @Test(
        "a path the event lacks is an error",
        arguments: ["$.nope", "$.detail.states[2]", "$.detail.command.x", "$.detail.command[0]"])
    func missingPaths(_ path: String) {
        #expect {
            try apply(.path(path))
        } throws: { error in
            (error as? TransformError)?.code == .pathNotFound
        }
    }

    @Test(
        "what is no path is refused",
        arguments: [
            "", "detail", "$detail", "$.", "$..a", "$.a[", "$.a['b']", "$.a[-1]", "$.a[x]", "$.a b", "$.ä", "$.a[+1]",
            "$." + String(repeating: "a", count: 255),
        ])
    func invalidPaths(_ path: String) {
        #expect {
            try EventPath(path)
        } throws: { error in
            (error as? TransformError)?.code == .invalidPath
        }
    }

    @Test("a constant is JSON, whatever the event is")
    func constants() throws {
        #expect(try apply(.constant(#" { "a" : [1, 2.0] } "#)) == #"{"a":[1,2.0]}"#)
        #expect(throws: TransformError.self) { try InputTransform(.constant("hello")) }
        #expect(throws: TransformError.self) {
            try InputTransform(.constant("\"" + String(repeating: "x", count: 8191) + "\""))
        }
    }

    @Test("bytes that are no event are an error, not a crash")
    func noEvent() throws {
        let transform = try InputTransform(.path("$.a"))
        #expect(throws: TransformError.self) { try transform.apply(to: Array("{".utf8), context: context) }
    }
}
