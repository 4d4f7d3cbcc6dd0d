extension DecodingError {
    /// `detail.object.size: expected an integer, found …`
    package var readableMessage: String {
        let context: Context
        var path: [any CodingKey]
        switch self {
        case .keyNotFound(let key, let found): (context, path) = (found, found.codingPath + [key])
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .dataCorrupted(let found):
            (context, path) = (found, found.codingPath)
        @unknown default: return String(describing: self)
        }
        var text = ""
        while let step = path.first {
            path.removeFirst()
            if let index = step.intValue {
                text += "[\(index)]"
            } else {
                text += (text.isEmpty ? "" : ".") + step.stringValue
            }
        }
        return text.isEmpty ? context.debugDescription : "\(text): \(context.debugDescription)"
    }
}
