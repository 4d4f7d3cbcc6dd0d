extension InputFormat {
    /// Bytes that are looked at to tell formats.
    private static let headCount = 16 << 10

    /// The format itself where it is known, else what the text begins like.
    /// - Returns: also the text, still to be read from its start.
    func recognized(_ text: any ByteSource) throws(ColumnarError) -> (text: any ByteSource, format: InputFormat) {
        guard self == .automatic else { return (text, self) }
        if let archive = text as? ZipSource {
            // The first member tells for all.
            guard try archive.nextMember() else { return (text, .csv) }
            let head = try PeekedSource(archive, count: Self.headCount).head
            try archive.rewind()
            return (archive, Self.json(head) ?? .csv)
        }
        let peeked = try PeekedSource(text, count: Self.headCount)
        return (peeked, Self.json(peeked.head) ?? .csv)
    }

    /// The format of a text that begins as JSON does; nil for others.
    private static func json(_ head: [UInt8]) -> InputFormat? {
        let text = head.starts(with: [0xEF, 0xBB, 0xBF]) ? head[3...] : head[...]
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
        guard let first = text.firstIndex(where: { !isSpace($0) }) else { return nil }
        let second = text[(first + 1)...].first { !isSpace($0) }
        // A header of CSV may begin with a bracket, but hardly goes on like this.
        if text[first] == 0x5B { return second == 0x7B || second == 0x5D ? .json : nil }
        guard text[first] == 0x7B, second == 0x22 || second == 0x7D else { return nil }
        // Where a line feed comes within the first object, or another object on its line, records are not lines.
        var depth = 0
        var position = first
        while position < text.endIndex {
            switch text[position] {
            case 0x22:
                position += 1
                while position < text.endIndex, text[position] != 0x22, text[position] != 0x0A {
                    position += text[position] == 0x5C ? 2 : 1
                }
            case 0x7B where depth == 0 && position > first: return .json
            case 0x7B, 0x5B: depth += 1
            case 0x7D, 0x5D: depth -= 1
            case 0x0A: return depth > 0 ? .json : .ndjson
            default: break
            }
            position += 1
        }
        return .ndjson
    }
}
