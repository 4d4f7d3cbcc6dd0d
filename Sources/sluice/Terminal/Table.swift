/// Rows and columns of text, aligned.
struct Table {
    struct Column: ExpressibleByStringLiteral {
        var title: String
        /// Numbers stand at the right.
        var isNumber: Bool

        init(_ title: String, isNumber: Bool = false) {
            self.title = title
            self.isNumber = isNumber
        }

        init(stringLiteral value: String) { self.init(value) }

        static func number(_ title: String) -> Column { Column(title, isNumber: true) }
    }

    var columns: [Column]
    /// As many cells as columns; a cell may carry colours.
    var rows: [[String]]

    /// Title and rows. Where `width` is known, the last column is cut to fit.
    func lines(style: Style, width: Int?) -> [String] {
        var widths = columns.map(\.title.count)
        for row in rows {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], Self.length(cell)) }
        }
        let before = widths.dropLast().reduce(0) { $0 + $1 + 2 }
        let last = width.map { max(12, $0 - before) }
        func line(_ cells: [String]) -> String {
            var text = ""
            for (index, cell) in cells.enumerated() {
                let isLast = index == cells.count - 1
                let shown = isLast ? Self.cut(cell, to: last) : cell
                let space = String(repeating: " ", count: max(0, widths[index] - Self.length(shown)))
                if index > 0 { text += "  " }
                text += columns[index].isNumber ? space + shown : isLast ? shown : shown + space
            }
            return text
        }
        return [style.dim(line(columns.map(\.title)))] + rows.map(line)
    }

    /// How many characters are seen: colours take no room.
    static func length(_ text: String) -> Int {
        guard text.utf8.contains(0x1B) else { return text.count }
        var count = 0
        var inCode = false
        for character in text {
            if inCode {
                inCode = character != "m"
            } else if character == "\u{1B}" {
                inCode = true
            } else {
                count += 1
            }
        }
        return count
    }

    private static func cut(_ text: String, to width: Int?) -> String {
        guard let width, !text.utf8.contains(0x1B), text.count > width else { return text }
        return text.prefix(width - 1) + "…"
    }
}
