extension Failure {
    /// A file of settings that cannot be decoded, in words for those who wrote it.
    static func undecodable(_ path: String, _ error: any Error, hint: String) -> Failure {
        guard let error = error as? DecodingError else { return Failure("\(path): \(error)", hint: hint) }
        func place(_ keys: [any CodingKey]) -> String {
            keys.isEmpty
                ? "the file"
                : keys.map { $0.intValue.map { "entry \($0 + 1)" } ?? $0.stringValue }.joined(separator: ", ")
        }
        let problem =
            switch error {
            case .dataCorrupted(let context):
                // Where the text is no YAML, the parser knows the place.
                context.underlyingError.map { "this is no YAML: \($0)" } ?? context.debugDescription
            case .keyNotFound(let key, let context): "\(place(context.codingPath)) has no `\(key.stringValue)`"
            case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
                "\(place(context.codingPath)) is not \(words(type))"
            @unknown default: "\(error)"
            }
        return Failure("\(path): \(problem)", hint: hint)
    }

    /// What a decoder wanted: types of Swift, or the nodes of the YAML parser.
    private static func words(_ type: any Any.Type) -> String {
        switch "\(type)" {
        case "String": "a text"
        case "Bool": "true or false"
        case "Int": "a whole number"
        case "Scalar": "a single value"
        case "Sequence": "a list"
        case "Mapping": "a mapping"
        case let name: "of the type \(name)"
        }
    }
}
