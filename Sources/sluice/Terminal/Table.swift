/// Rows and columns of text, aligned.
struct Table {
    struct Column: ExpressibleByStringLiteral {
        var title: String
        /// Numbers stand at the right.
        var isNumber: Bool
        /// An id or a time, which is of use only as a whole, is never cut; nor is a number.
        var isWhole: Bool
        /// How many of something there are: what is 0 everywhere may be left out.
        var isCount = false
        /// It is left out before a row goes on in a second line.
        var isSpare = false
        /// A path or a name whose end tells as much as its beginning: it is cut in the middle.
        var isPath = false
        /// It is not cut below this: a row goes on in a second line before.
        var least = 0
        /// A sentence: in a terminal it stands below the row, in lines of its own. The last column only.
        var isProse = false
        /// It has a line of its own below the row where it does not fit into it.
        var isBelow = false

        init(_ title: String, isNumber: Bool = false, isWhole: Bool = false) {
            self.title = title
            self.isNumber = isNumber
            self.isWhole = isWhole || isNumber
        }

        init(stringLiteral value: String) { self.init(value) }

        static func number(_ title: String) -> Column {
            var column = Column(title, isNumber: true)
            column.isCount = true
            return column
        }

        /// A number that is nice to have.
        static func spare(_ title: String) -> Column {
            var column = number(title)
            column.isSpare = true
            return column
        }

        static func whole(_ title: String) -> Column { Column(title, isWhole: true) }

        static func prose(_ title: String) -> Column {
            var column = Column(title)
            column.isProse = true
            return column
        }

        /// Ids or times of which there are several: below the row where they do not fit into it, and never cut.
        static func wholes(_ title: String) -> Column {
            var column = whole(title)
            column.isProse = true
            return column
        }

        static func path(_ title: String) -> Column {
            var column = Column(title)
            column.isPath = true
            return column
        }

        /// An object's name, which says little when little of it is left.
        static func object(_ title: String) -> Column {
            var column = path(title)
            column.least = 40
            return column
        }

        /// A path or a name that is wanted as a whole: in a terminal where it does not fit into the row it stands below
        /// it, before the sentence. The last column but the sentence.
        static func below(_ title: String) -> Column {
            var column = whole(title)
            column.isBelow = true
            return column
        }
    }

    /// Texts are made so narrow while there are counts to leave out, and narrower where there are none.
    private static let (readableWidth, leastWidth) = (20, 12)
    /// What continues a row stands this far to the right.
    private static let continuation = "    "
    /// Lines of a sentence below its row.
    private static let mostProse = 3

    var columns: [Column]
    /// As many cells as columns; a cell may carry colours.
    var rows: [[String]]

    /// Title and rows. Where `width` is known, no line is longer: first the widest texts are cut; where that is not
    /// enough, counts that are 0 in every row are left out, then columns that are spare, and at last a row goes on in
    /// further lines.
    func lines(style: Style, width: Int?) -> [String] {
        guard let width, !columns.isEmpty else { return written(Array(columns.indices), widths, style) }
        guard let last = columns.last, last.isProse else { return fitted(style, width).flatMap(\.self) }
        if last.isWhole, widths.reduce(0, +) + 2 * (columns.count - 1) <= width {
            return written(Array(columns.indices), widths, style)
        }
        var others = Table(columns: columns.dropLast(), rows: rows.map { $0.dropLast() })
        let hasBelow =
            others.columns.last?.isBelow == true && others.widths.reduce(0, +) + 2 * (others.columns.count - 1) > width
        if hasBelow { others = Table(columns: others.columns.dropLast(), rows: others.rows.map { $0.dropLast() }) }
        var lines: [String] = []
        for (index, row) in others.fitted(style, width).enumerated() {
            lines += row
            if hasBelow, index > 0, let name = rows[index - 1].dropLast().last, !name.isEmpty {
                lines.append(Self.continuation + name)
            }
            guard index > 0, let text = rows[index - 1].last, !text.isEmpty else { continue }
            let room = width - Self.continuation.count
            // A sentence's first lines tell most of it, and need no title; of ids none can be missing.
            let parts =
                last.isWhole
                ? Text.filled("\(last.title)  \(text)", width: room)
                : Text.wrapped(text, width: room, mostLines: Self.mostProse)
            lines += parts.map { Self.continuation + $0 }
        }
        return lines
    }

    /// Title and rows in lines that are no longer than `width`, row by row.
    private func fitted(_ style: Style, _ width: Int) -> [[String]] {
        let whole = widths
        let all = Array(columns.indices)
        let telling = all.filter { !columns[$0].isCount || rows.isEmpty || !isZero($0) }
        let needed = telling.filter { !columns[$0].isSpare }
        for (shown, least) in [
            (all, Self.readableWidth), (telling, Self.readableWidth), (telling, Self.leastWidth),
            (needed, Self.readableWidth), (needed, Self.leastWidth),
        ] {
            if let fitting = fitted(shown, whole, width, least: least) {
                return written(shown, fitting, style).map { [$0] }
            }
        }
        return folded(needed, whole, width, style)
    }

    private var widths: [Int] {
        var widths = columns.map(\.title.count)
        for row in rows {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], Self.length(cell)) }
        }
        return widths
    }

    private func isZero(_ column: Int) -> Bool { rows.allSatisfy { ["0", "-", ""].contains($0[column]) } }

    /// The widths with the widest texts made narrower, down to `least`, until the columns fit beside one another; nil
    /// where they do not.
    private func fitted(_ shown: [Int], _ widths: [Int], _ width: Int, least: Int) -> [Int]? {
        let room = width - 2 * (shown.count - 1)
        let narrowest = columns.indices.map { index in
            columns[index].isWhole ? widths[index] : min(widths[index], max(least, columns[index].least))
        }
        guard shown.reduce(0, { $0 + narrowest[$1] }) <= room else { return nil }
        var widths = widths
        var excess = shown.reduce(0) { $0 + widths[$1] } - room
        while excess > 0 {
            let soft = shown.filter { widths[$0] > narrowest[$0] }
            guard let widest = soft.map({ widths[$0] }).max() else { break }
            let wide = soft.filter { widths[$0] == widest }
            // Down to the next widest, but no further than needed; of several the last ones give what is left over.
            let floor = wide.map { narrowest[$0] }.max() ?? least
            let next = max(soft.map { widths[$0] }.filter { $0 < widest }.max() ?? 0, floor)
            let step = max(1, min(widest - next, excess / wide.count))
            for column in wide.reversed() where excess > 0 {
                widths[column] -= step
                excess -= step
            }
        }
        return widths
    }

    /// Rows in as many lines as it takes.
    private func folded(_ shown: [Int], _ widths: [Int], _ width: Int, _ style: Style) -> [[String]] {
        var parts: [[Int]] = []
        for column in shown {
            let room = parts.count < 2 ? width : width - Self.continuation.count
            if let last = parts.last, fitted(last + [column], widths, room, least: Self.leastWidth) != nil {
                parts[parts.count - 1].append(column)
            } else {
                parts.append([column])
            }
        }
        let blocks = parts.enumerated().map { index, part in
            let room = index == 0 ? width : width - Self.continuation.count
            var narrow = widths
            for column in part where !columns[column].isWhole { narrow[column] = min(narrow[column], room) }
            return written(part, fitted(part, narrow, room, least: Self.leastWidth) ?? narrow, style)
        }
        return (0...rows.count).map { row in
            blocks.enumerated().compactMap { index, lines in
                if index == 0 { return lines[row] }
                // What has nothing to say needs no line.
                return lines[row].allSatisfy { $0 == " " } ? nil : Self.continuation + lines[row]
            }
        }
    }

    /// The columns named, title first.
    private func written(_ shown: [Int], _ widths: [Int], _ style: Style) -> [String] {
        func line(_ cells: [String]) -> String {
            var text = ""
            for column in shown {
                let cell = Self.cut(cells[column], to: widths[column], inMiddle: columns[column].isPath)
                let space = String(repeating: " ", count: max(0, widths[column] - Self.length(cell)))
                if column != shown.first { text += "  " }
                text += columns[column].isNumber ? space + cell : column == shown.last ? cell : cell + space
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

    /// As much as `width` characters show, the last of them an ellipsis where something is gone; colours stay.
    static func cut(_ text: String, to width: Int, inMiddle: Bool = false) -> String {
        guard width > 0, length(text) > width else { return text }
        if inMiddle, width > 2, !text.utf8.contains(0x1B) {
            return text.prefix(width / 2) + "…" + text.suffix(width - width / 2 - 1)
        }
        var (shown, result, inCode) = (0, "", false)
        for character in text {
            if inCode || character == "\u{1B}" {
                inCode = character != "m"
                result.append(character)
            } else if shown < width {
                shown += 1
                result.append(shown == width ? "…" : character)
            }
        }
        return result
    }
}
