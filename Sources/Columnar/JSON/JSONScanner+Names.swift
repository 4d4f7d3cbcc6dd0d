extension JSONScanner {
    /// The names of an object in their order, up to the one that begins at `last`, without their escapes; nil where the
    /// object is malformed before. For errors and the like: each name is copied.
    /// - Parameter object: where the object begins.
    func names(ofObjectAt object: Int, upTo last: Int) -> [[UInt8]]? {
        var scanner = self
        scanner.position = object + 1
        var names: [[UInt8]] = []
        do throws(JSONFault) {
            scanner.skipSpace()
            repeat {
                let start = scanner.position + 1
                _ = try scanner.string()
                let length = scanner.position - 1 - start
                names.append(
                    Array(room: max(1, length)) { buffer, count in
                        count = buffer.baseAddress.map { JSONText.unescape(bytes + start, length, to: $0) } ?? 0
                    })
                if start > last { return names }
                try scanner.colon()
                try scanner.skipValue(depth: 2)
            } while try !scanner.endsObject()
        } catch {
            return nil
        }
        return nil
    }

    /// Whether the name of `length` bytes at `start` is no name for a column: empty, or nothing but white space.
    func isEmptyName(_ start: Int, _ length: Int) -> Bool {
        guard length > 0 else { return true }
        // Mostly the first byte says enough.
        let first = bytes[start]
        guard first <= 0x20 || first == 0x5C || first >= 0x80 else { return false }
        let name = [UInt8](room: length) { buffer, count in
            count = buffer.baseAddress.map { JSONText.unescape(bytes + start, length, to: $0) } ?? 0
        }
        return ColumnName.normalized(String(decoding: name, as: UTF8.self)).isEmpty
    }
}
