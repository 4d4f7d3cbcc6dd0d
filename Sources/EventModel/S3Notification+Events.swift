import FunctionJSON

extension S3Notification {
    /// The notification of events as bytes, one record each, in their order. Fails with a `DecodingError` for an event
    /// that is neither `Object Created` nor `Object Deleted`, or is malformed.
    public static func bytes(events: [[UInt8]], configurationID: String) throws -> [UInt8] {
        struct Kind: Decodable {
            var detailType: String
            enum CodingKeys: String, CodingKey { case detailType = "detail-type" }
        }
        let decoder = TapeDecoder()
        var records: [Record] = []
        for event in events {
            switch try decoder.decode(Kind.self, from: event).detailType {
            case ObjectCreated.detailType:
                let event = try decoder.decode(Event<ObjectCreated>.self, from: event)
                records.append(Record(event, configurationID: configurationID))
            case ObjectDeleted.detailType:
                let event = try decoder.decode(Event<ObjectDeleted>.self, from: event)
                records.append(Record(event, configurationID: configurationID))
            case let other:
                throw DecodingError.dataCorrupted(
                    DecodingError.Context(
                        codingPath: [],
                        debugDescription: "an event of detail-type \"\(other)\" has no S3 notification; only "
                            + "\"Object Created\" and \"Object Deleted\" have"))
            }
        }
        return try TapeEncoder().encode(S3Notification(records: records))
    }
}

/// The form encoding of keys in S3 notifications: a space is `+`; letters, digits and `-_.*/` stay; every other byte of
/// the UTF-8 text is `%XX`.
public enum FormEncoding {
    public static func encoded(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        var output: [UInt8] = []
        output.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "*"), UInt8(ascii: "/"):
                output.append(byte)
            case UInt8(ascii: " "): output.append(UInt8(ascii: "+"))
            default:
                output.append(UInt8(ascii: "%"))
                output.append(hex[Int(byte >> 4)])
                output.append(hex[Int(byte & 15)])
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// Nil for a `%` without two hex digits, and for bytes that are not UTF-8.
    public static func decoded(_ text: String) -> String? {
        var output: [UInt8] = []
        let bytes = Array(text.utf8)
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "+"): output.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard index + 2 < bytes.count, let high = Character(Unicode.Scalar(bytes[index + 1])).hexDigitValue,
                    let low = Character(Unicode.Scalar(bytes[index + 2])).hexDigitValue
                else { return nil }
                output.append(UInt8(high << 4 | low))
                index += 2
            case let byte: output.append(byte)
            }
            index += 1
        }
        return String(validating: output, as: UTF8.self)
    }
}
