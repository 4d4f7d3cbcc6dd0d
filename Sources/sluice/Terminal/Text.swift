/// Small things about texts.
enum Text {
    /// Up to the first line end.
    static func firstLine(_ text: String) -> String {
        String(text.split(whereSeparator: \.isNewline).first ?? "")
    }

    /// Line ends and tabs shown as blanks.
    static func oneLine(_ text: String) -> String {
        String(text.map { $0.isNewline || $0 == "\t" ? " " : $0 })
    }

    /// In lines of at most `width` characters, broken at blanks where there are any; what is beyond the last line is
    /// cut.
    static func wrapped(_ text: String, width: Int, mostLines: Int) -> [String] {
        var lines: [String] = []
        var rest = text[...]
        while !rest.isEmpty, lines.count < mostLines {
            guard rest.count > width else {
                lines.append(String(rest))
                return lines
            }
            let limit = rest.index(rest.startIndex, offsetBy: max(1, width))
            // A blank right behind the line ends it, too.
            let end = rest[...limit].lastIndex(of: " ").flatMap { $0 == rest.startIndex ? nil : $0 } ?? limit
            lines.append(String(rest[..<end]))
            rest = rest[end...].drop { $0 == " " }
        }
        if !rest.isEmpty, let last = lines.popLast() {
            lines.append(last.count + 2 <= width ? last + " …" : Table.cut(last + rest, to: width))
        }
        return lines
    }

    /// In lines of at most `width` characters, broken at blanks alone: a path or an id that is longer stays in one
    /// piece, which can be copied. Blanks at a line's beginning go; colours take no room.
    static func filled(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        var gap = ""
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            guard !word.isEmpty else {
                gap += " "
                continue
            }
            if line.isEmpty || Table.length(line) + gap.count + Table.length(String(word)) <= width {
                line += gap + word
            } else {
                lines.append(line)
                line = String(word)
            }
            gap = " "
        }
        return line.isEmpty ? lines : lines + [line]
    }

    /// On one line, cut to a number of characters.
    static func short(_ text: String, maximum: Int = 24) -> String {
        let line = oneLine(text)
        return line.count <= maximum ? line : line.prefix(maximum - 1) + "…"
    }

    /// As one word of a shell's command line.
    static func shellWord(_ text: String) -> String {
        let plain = text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                || "/._-+:@%,=".utf8.contains($0)
        }
        return plain && !text.isEmpty ? text : "'" + text.replacing("'", with: "'\\''") + "'"
    }

    /// The text without what a terminal would obey: names of files and messages of functions are other people's.
    /// Control characters and marks of writing direction are shown as escapes; colours stay, to the text's end and no
    /// further, but none that hides what is written.
    /// - Parameter lineEnd: what a line feed becomes, so that no text can pass for a line of our own.
    static func shown(_ text: String, lineEnd: String = "\\n", tab: String = "\\t") -> String {
        // All that could be meant begins with one of these bytes; few texts have any.
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F || $0 == 0xC2 || $0 == 0xE2 }) else { return text }
        let scalars = text.unicodeScalars
        var result = ""
        var isColoured = false
        var index = scalars.startIndex
        while index < scalars.endIndex {
            let scalar = scalars[index]
            if scalar == "\u{1B}", let end = colourEnd(scalars, after: index) {
                let sequence = scalars[index...end]
                result.unicodeScalars.append(contentsOf: sequence)
                isColoured = !["\u{1B}[0m", "\u{1B}[m"].contains(String(sequence))
                index = scalars.index(after: end)
                continue
            }
            switch scalar.value {
            case 0x0A: result += lineEnd
            case 0x0D: result += "\\r"
            case 0x09: result += tab
            case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069:
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: result.unicodeScalars.append(scalar)
            }
            index = scalars.index(after: index)
        }
        return isColoured ? result + "\u{1B}[0m" : result
    }

    /// The `m` of a sequence that sets a colour; nil for any other, and for one that conceals.
    private static func colourEnd(
        _ scalars: String.UnicodeScalarView, after start: String.Index
    ) -> String.Index? {
        var index = scalars.index(after: start)
        guard index < scalars.endIndex, scalars[index] == "[" else { return nil }
        index = scalars.index(after: index)
        let first = index
        while index < scalars.endIndex {
            switch scalars[index] {
            case "0"..."9", ";": index = scalars.index(after: index)
            case "m": return conceals(String(scalars[first..<index])) ? nil : index
            default: return nil
            }
        }
        return nil
    }

    /// Whether 8 is among the parameters, which hides all that follows; within the number of a colour it does not.
    private static func conceals(_ parameters: String) -> Bool {
        var rest = parameters.split(separator: ";", omittingEmptySubsequences: false).map { Int($0) ?? 0 }[...]
        while let one = rest.popFirst() {
            switch one {
            case 8: return true
            // One of 256 colours, or red, green and blue.
            case 38, 48, 58: rest = rest.dropFirst(rest.first == 5 ? 2 : rest.first == 2 ? 4 : 0)
            default: break
            }
        }
        return false
    }
}
