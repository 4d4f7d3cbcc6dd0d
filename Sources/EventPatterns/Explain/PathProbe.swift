/// Finds how far into an event paths lead.
enum PathProbe {
    /// For each path which step of it is missing, or what is there instead of a value; nil if that cannot be told. The
    /// event is read once.
    static func hints(_ paths: [FieldPath], _ event: UnsafeBufferPointer<UInt8>) -> [String?] {
        let none = [String?](repeating: nil, count: paths.count)
        guard !paths.isEmpty, let base = event.baseAddress else { return none }
        var walk = Walk(
            trails: paths.map { Trail(path: $0.bytes) },
            reader: TokenReader(base: base, count: event.count, maximumDepth: 1000))
        guard (try? walk.run()) != nil else { return none }
        return walk.trails.map(\.hint)
    }

    /// How far one path leads.
    private struct Trail {
        let path: [UInt8]
        /// The length of the longest start of the path, at a step's end, that the event has.
        var deepest = 0
        var foundContainer = false
        var isEmptyArray = false
        /// A field beside the missing step that differs from it only in case.
        var closeName: String?

        init(path: [UInt8]) { self.path = path }

        /// Notes a field: its path, its name, and the length of the path around it.
        mutating func note(_ here: [UInt8], _ name: [UInt8], around: Int) {
            guard path.count == here.count || path.count > here.count && path[here.count] == UInt8(ascii: ".") else {
                return
            }
            if path.starts(with: here) {
                if here.count > deepest {
                    deepest = here.count
                    closeName = nil
                }
            } else if around == deepest, CaseText.folded(here) == CaseText.folded(Array(path.prefix(here.count))) {
                closeName = String(decoding: name, as: UTF8.self)
            }
        }

        var hint: String? {
            if foundContainer {
                return "there is \(isEmptyArray ? "an empty array" : "an object or array without values") there"
            }
            let dot = UInt8(ascii: ".")
            let depth =
                deepest == 0 ? 0 : path.prefix(deepest).split(separator: dot, omittingEmptySubsequences: false).count
            let steps = path.split(separator: dot, omittingEmptySubsequences: false)
            guard depth < steps.count else { return nil }
            if let closeName { return "there is \"\(closeName)\"; field names are case-sensitive" }
            let missing = String(decoding: steps[depth], as: UTF8.self)
            let known = String(decoding: path.prefix(deepest), as: UTF8.self)
            return known.isEmpty ? "the event has no field \"\(missing)\"" : "\"\(known)\" has no field \"\(missing)\""
        }
    }

    private struct Walk: ~Copyable {
        var trails: [Trail]
        var reader: TokenReader

        init(trails: [Trail], reader: consuming TokenReader) {
            self.trails = trails
            self.reader = reader
        }

        mutating func run() throws(PatternError) {
            _ = try reader.next()
            try value(.startObject, prefix: [])
        }

        /// Walks the value whose first token was just read and whose path is `prefix`.
        private mutating func value(_ token: TokenReader.Token, prefix: [UInt8]) throws(PatternError) {
            switch token {
            case .startObject:
                while try reader.next() == .fieldName {
                    let name = reader.text
                    let here = prefix.isEmpty ? name : prefix + [UInt8(ascii: ".")] + name
                    for index in trails.indices { trails[index].note(here, name, around: prefix.count) }
                    try value(try reader.next(), prefix: here)
                }
                for index in trails.indices where prefix == trails[index].path { trails[index].foundContainer = true }
            case .startArray:
                var isEmpty = true
                while true {
                    let next = try reader.next()
                    if next == .endArray { break }
                    isEmpty = false
                    try value(next, prefix: prefix)
                }
                for index in trails.indices where prefix == trails[index].path {
                    trails[index].foundContainer = true
                    trails[index].isEmptyArray = isEmpty
                }
            default: break
            }
        }
    }
}
