/// Finds where records begin and end in JSON text.
struct JSONFraming {
    enum Form {
        /// One object a line.
        case lines
        /// One list of objects.
        case list
        /// Objects one after the other, with white space between them.
        case sequence
    }

    private enum State {
        case beforeList, beforeFirst, beforeRecord, afterRecord, closed
    }

    let form: Form
    private var state = State.beforeList

    init(_ form: Form) {
        self.form = form
    }

    /// Whether the text may end here.
    var isComplete: Bool { form != .list || state == .closed }

    func scanner(_ bytes: UnsafePointer<UInt8>, at position: Int) -> JSONScanner {
        JSONScanner(bytes: bytes, position: position, endsAtLineFeed: form == .lines)
    }

    /// Goes to the first byte of the next record; false where the text up to `end` has none.
    @inline(__always)
    mutating func findRecord(_ scanner: inout JSONScanner, end: Int) throws(JSONFault) -> Bool {
        if form == .lines {
            while scanner.position < end, scanner.byte <= 0x20 {
                scanner.skipSpace()
                guard scanner.byte == 0x0A else { break }
                scanner.position &+= 1
            }
            return scanner.position < end
        }
        return try findSpacedRecord(&scanner, end: end)
    }

    private mutating func findSpacedRecord(_ scanner: inout JSONScanner, end: Int) throws(JSONFault) -> Bool {
        while true {
            scanner.skipSpace()
            guard scanner.position < end else { return false }
            guard form == .list else { return true }
            switch (state, scanner.byte) {
            case (.beforeList, 0x5B): state = .beforeFirst
            case (.beforeList, _): throw JSONFault(.expectedValue, at: scanner.position)
            case (.beforeFirst, 0x5D): state = .closed
            // No record that could be left out.
            case (.beforeFirst, 0x2C), (.beforeRecord, 0x2C), (.beforeRecord, 0x5D):
                throw JSONFault(.expectedRecord, at: scanner.position)
            case (.beforeFirst, _), (.beforeRecord, _):
                return true
            case (.afterRecord, 0x2C): state = .beforeRecord
            case (.afterRecord, 0x5D): state = .closed
            case (.afterRecord, _): throw JSONFault(.expectedCommaOrBracket, at: scanner.position)
            case (.closed, _): throw JSONFault(.textAfterRecord, at: scanner.position)
            }
            scanner.position += 1
        }
    }

    /// Passes over what ends a record, after its closing brace.
    @inline(__always)
    mutating func endRecord(_ scanner: inout JSONScanner) throws(JSONFault) {
        guard form == .lines else {
            state = .afterRecord
            return
        }
        scanner.skipSpace()
        guard scanner.byte == 0x0A else { throw JSONFault(.textAfterRecord, at: scanner.position) }
        scanner.position &+= 1
    }

    /// Passes over a malformed record that begins at `start`.
    /// - Returns: the offset after its last byte; nil where no end is found before `end`.
    mutating func skipRecord(_ scanner: inout JSONScanner, from start: Int, end: Int) -> Int? {
        var position = start
        if form == .lines {
            while position < end, scanner.bytes[position] != 0x0A { position += 1 }
            guard position < end else { return nil }
            scanner.position = position + 1
            return position
        }
        // Brackets outside strings tell where the next record of a list can begin, unless quotes are out of step.
        var depth = 0
        var isInString = false
        while position < end {
            let byte = scanner.bytes[position]
            if isInString {
                if byte == 0x5C { position += 1 } else if byte == 0x22 { isInString = false }
            } else {
                switch byte {
                case 0x22: isInString = true
                case 0x7B, 0x5B: depth += 1
                case 0x7D, 0x5D, 0x2C:
                    let isOuter = depth == 0 && form == .list && byte != 0x7D
                    if byte != 0x2C, depth > 0 { depth -= 1 }
                    guard isOuter || (depth == 0 && byte == 0x7D) else { break }
                    scanner.position = isOuter ? position : position + 1
                    state = .afterRecord
                    return scanner.position
                default: break
                }
            }
            position += 1
        }
        return nil
    }
}
