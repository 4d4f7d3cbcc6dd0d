/// Finds how far into an event a path leads.
enum PathProbe {
    /// Which step of a path is missing, or what is there instead of a value; nil if that cannot be told.
    static func hint(_ path: FieldPath, _ event: UnsafeBufferPointer<UInt8>) -> String? {
        guard let base = event.baseAddress else { return nil }
        var probe = Walk(path: path.bytes, reader: TokenReader(base: base, count: event.count, maximumDepth: 1000))
        guard (try? probe.run()) != nil else { return nil }
        if probe.foundContainer {
            return "there is \(probe.isEmptyArray ? "an empty array" : "an object or array without values") there"
        }
        let steps = path.bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let known = String(decoding: path.bytes.prefix(probe.deepest), as: UTF8.self)
        var depth = 0
        if probe.deepest > 0 {
            depth =
                path.bytes.prefix(probe.deepest).split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
                .count
        }
        guard depth < steps.count else { return nil }
        let missing = String(decoding: steps[depth], as: UTF8.self)
        if let close = probe.closeName { return "there is \"\(close)\"; field names are case-sensitive" }
        if known.isEmpty { return "the event has no field \"\(missing)\"" }
        return "\"\(known)\" has no field \"\(missing)\""
    }

    private struct Walk: ~Copyable {
        let path: [UInt8]
        var reader: TokenReader
        /// The length of the longest start of the path, at a step's end, that the event has.
        var deepest = 0
        var foundContainer = false
        var isEmptyArray = false
        /// A field beside the missing step that differs from it only in case.
        var closeName: String?

        init(path: [UInt8], reader: consuming TokenReader) {
            self.path = path
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
                    note(here, name, prefix)
                    try value(try reader.next(), prefix: here)
                }
                if prefix == path { foundContainer = true }
            case .startArray:
                var isEmpty = true
                while true {
                    let next = try reader.next()
                    if next == .endArray { break }
                    isEmpty = false
                    try value(next, prefix: prefix)
                }
                if prefix == path {
                    foundContainer = true
                    isEmptyArray = isEmpty
                }
            default: break
            }
        }

        private mutating func note(_ here: [UInt8], _ name: [UInt8], _ prefix: [UInt8]) {
            if path.starts(with: here), path.count == here.count || path[here.count] == UInt8(ascii: ".") {
                if here.count > deepest {
                    deepest = here.count
                    closeName = nil
                }
            } else if prefix.count == deepest, CaseText.folded(here) == CaseText.folded(Array(path.prefix(here.count))),
                path.count == here.count || path[here.count] == UInt8(ascii: ".")
            {
                closeName = String(decoding: name, as: UTF8.self)
            }
        }
    }
}
