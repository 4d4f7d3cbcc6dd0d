/// A value as it lies in its document, which stays in memory with it. Through another decoder than `TapeDecoder` the
/// value is written and parsed again.
extension JSONNode: Decodable {
    public init(from decoder: any Decoder) throws {
        if let place = decoder as? TapeNodeDecoder {
            self.init(tape: place.tape, index: place.index)
        } else {
            self = try JSONDocument(parsing: JSONValue(from: decoder).serialized()).root
        }
    }
}
