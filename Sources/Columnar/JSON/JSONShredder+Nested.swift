/// Values within lists and structures, with their levels.
extension JSONShredder {
    func nested(_ scanner: inout JSONScanner, _ column: Int) throws(JSONFault) {
        values = targets[column]
        conflict = Conflict(column: column, path: [], problem: "")
        try shred(&scanner, columns[column].node, repetition: 0, depth: 2)
    }

    private func append(_ leaf: Int, _ start: UInt32, _ end: UInt32, _ repetition: UInt8, _ definition: UInt8) {
        nestedCount &+= 1
        values[leaf].append(start: start, end: end, repetition: repetition, definition: definition)
    }

    /// One entry in every leaf for a place that has no value.
    func absent(_ node: JSONNode, repetition: UInt8, definition: UInt8) {
        for leaf in node.leaves { append(leaf, 0, 0, repetition, definition) }
    }

    private func shred(
        _ scanner: inout JSONScanner, _ node: JSONNode, repetition: UInt8, depth: Int
    ) throws(JSONFault) {
        let start = scanner.position
        if scanner.byte == 0x6E {
            try scanner.literal()
            return absent(node, repetition: repetition, definition: node.nullDefinition)
        }
        switch node.content {
        case .value(let leaf):
            var slot = (UInt32(truncatingIfNeeded: start &- 1), UInt32(0))
            switch scanner.byte {
            case 0x22:
                let isPlain = try scanner.string()
                let token = Self.token(ofString: scanner.position &- start)
                node.seen.formUnion(token)
                // As in a column that is not nested: an empty text is null where the type has none.
                if token == .emptyString, !node.isText {
                    return append(leaf, 0, 0, repetition, node.nullDefinition)
                }
                slot = text(scanner.bytes, start, scanner.position, isPlain)
            case 0x2D, 0x30...0x39:
                try scanner.number()
                node.seen.insert(.number)
                slot.1 = UInt32(truncatingIfNeeded: scanner.position)
            default:
                node.seen.formUnion(try rawValue(&scanner, depth: depth))
                slot.1 = UInt32(truncatingIfNeeded: scanner.position)
            }
            if let type = node.checkedType {
                let text = UnsafePointer(memory + Int(slot.0) + 1)
                let length = Int(slot.1) - Int(slot.0) - 1
                guard TypeCheck.fits(text, length, type, Self.fieldText, NullTokens([]), checkScratch) else {
                    scanner.position = start
                    throw misfit(&scanner, node, "it must be \(type)", depth: depth)
                }
                checkScratch.clear()
            }
            append(leaf, slot.0, slot.1, repetition, node.nullDefinition + 1)
        case .list(let element):
            guard scanner.byte == 0x5B else { throw misfit(&scanner, node, "it must be a list", depth: depth) }
            guard depth <= JSONScanner.maximumDepth else { throw JSONFault(.tooDeep, at: start) }
            scanner.position += 1
            scanner.skipSpace()
            if scanner.byte == 0x5D {
                scanner.position += 1
                return absent(node, repetition: repetition, definition: node.nullDefinition + 1)
            }
            var level = repetition
            repeat {
                guard nestedCount < Self.recordValues else { throw JSONFault(.tooManyValues, at: scanner.position) }
                try shred(&scanner, element, repetition: level, depth: depth + 1)
                level = element.repetition
            } while try !scanner.endsList()
        case .object:
            guard scanner.byte == 0x7B else { throw misfit(&scanner, node, "it must be an object", depth: depth) }
            guard depth <= JSONScanner.maximumDepth else { throw JSONFault(.tooDeep, at: start) }
            try object(&scanner, node, repetition: repetition, depth: depth)
        }
    }

    private func object(
        _ scanner: inout JSONScanner, _ node: JSONNode, repetition: UInt8, depth: Int
    ) throws(JSONFault) {
        let start = scanner.position
        objectStamp += 1
        let stamp = objectStamp
        var missing = node.fields.count
        scanner.position += 1
        scanner.skipSpace()
        if scanner.byte == 0x7D {
            scanner.position += 1
        } else {
            var expected = 0
            repeat {
                let name = scanner.position
                guard scanner.byte == 0x22 else { throw JSONFault(.expectedName, at: name) }
                let field: Int
                if let match = node.keys.matches(expected, scanner.bytes + name + 1) {
                    field = match.field
                    scanner.position = name + 1 + match.length
                } else {
                    (field, expected) = try lookUp(&scanner, node.keys, node.positions)
                    if field < 0 {
                        let text = Excerpt.text(
                            UnsafeBufferPointer(start: scanner.bytes + name, count: scanner.position - name), limit: 60)
                        scanner.position = start
                        throw misfit(&scanner, node, "its type has no field \(text)", depth: depth)
                    }
                }
                expected += 1
                if node.stamps[field] == stamp {
                    if isComplete { throw JSONFault(.duplicateName, at: name) }
                    // The very same name, or one that only normalising makes the same: a survey will tell.
                    scanner.position = start
                    throw misfit(&scanner, node, "two names in it mean the same field", depth: depth)
                }
                node.stamps[field] = stamp
                missing -= 1
                try scanner.colon()
                try shred(&scanner, node.fields[field], repetition: repetition, depth: depth + 1)
            } while try !scanner.endsObject()
        }
        guard missing > 0 else { return }
        for (index, field) in node.fields.enumerated() where node.stamps[index] != stamp {
            absent(field, repetition: repetition, definition: field.nullDefinition)
        }
    }

    /// The conflict of the value on which the scanner stands, or the fault that it has anyway.
    private func misfit(
        _ scanner: inout JSONScanner, _ node: JSONNode, _ problem: String, depth: Int
    ) -> JSONFault {
        let start = scanner.position
        do throws(JSONFault) {
            try scanner.skipValue(depth: depth)
        } catch {
            return error
        }
        conflict?.path = node.path
        conflict?.problem = problem
        return JSONFault(.conflict, at: start)
    }
}
