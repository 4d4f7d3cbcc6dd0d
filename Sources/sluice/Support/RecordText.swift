import EventModel
import FunctionJSON

/// A stream's record in an editor: its data as JSON or text instead of base64, under a name that says which.
enum RecordText {
    private static let (json, text) = ("dataJSON", "dataText")

    /// The record with readable data, where it is a record and its data can be read; everything else as it is.
    static func opened(_ event: RawJSON) -> RawJSON {
        guard let record = StreamRecordText.Parts(parsing: event.bytes), let data = Base64.decode(record.data),
            case .object(var root)? = try? JSONValue(parsing: event.bytes),
            case .object(let kinesis)? = root["kinesis"], let shown = readable(data)
        else { return event }
        // In the place where the data stood.
        let members = kinesis.members.map { $0.name == "data" ? shown : $0 }
        root["kinesis"] = .object(JSONObject(members: members))
        return (try? RawJSON(JSONValue.object(root).serialized())) ?? event
    }

    private static func readable(_ data: [UInt8]) -> JSONObject.Member? {
        if let value = try? JSONValue(parsing: data) { return .init(name: json, value: value) }
        guard let text = String(validating: data, as: UTF8.self), !text.utf8.contains(0) else { return nil }
        return .init(name: Self.text, value: .string(text))
    }

    /// The record with its data in base64 again; everything else as it is.
    static func closed(_ event: RawJSON) throws -> RawJSON {
        guard case .object(var root)? = try? JSONValue(parsing: event.bytes),
            case .object(let kinesis)? = root["kinesis"]
        else { return event }
        let given = ["data", json, text].filter { kinesis[$0] != nil }
        guard let name = given.first, given.count == 1 else {
            guard given.isEmpty else {
                throw Failure(
                    "the record has its data twice: as \(given.joined(separator: " and "))", hint: "leave one of them")
            }
            return event
        }
        guard name != "data", let value = kinesis[name] else { return event }
        let bytes: [UInt8]
        if name == json {
            bytes = value.serialized()
        } else if let text = value.string {
            bytes = Array(text.utf8)
        } else {
            throw Failure("\(Self.text) of the record is no text", hint: "put JSON under \(json)")
        }
        let data = JSONValue.string(String(decoding: Base64.encode(bytes), as: UTF8.self))
        let members = kinesis.members.map { $0.name == name ? JSONObject.Member(name: "data", value: data) : $0 }
        root["kinesis"] = .object(JSONObject(members: members))
        return try RawJSON(JSONValue.object(root).serialized())
    }
}
