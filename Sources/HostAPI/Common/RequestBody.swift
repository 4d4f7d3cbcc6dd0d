import FunctionJSON

/// The body of a request that is read by hand.
enum RequestBody {
    /// The array under a name, of an object that has nothing else to say. Throws `InvalidRequest`.
    static func list(_ name: String, in bytes: [UInt8]) throws(APIError) -> JSONNode {
        let root: JSONNode
        do {
            root = try JSONDocument(parsing: bytes).root
        } catch {
            throw .invalidRequest("the request's body is not JSON: \(error)")
        }
        guard let list = root[name], list.kind == .array else {
            throw .invalidRequest("the request's body must be an object with the array `\(name)`")
        }
        return list
    }
}
