import Yams

/// Where the lines of a text stand in its file, if they stand there as they are: behind `|`, and on one line, quoted or
/// not, without escapes. Then a place in the text is one in the file.
struct TextLines {
    /// Of the text's first character.
    private let first: Place
    /// Where the lines behind the first begin.
    private let column: Int

    /// Nil if the file has the text in another form.
    /// - Parameters:
    ///   - place: where the scalar begins: its quote, or the sign before a block.
    ///   - lines: of the file.
    init?(_ scalar: Node.Scalar, at place: Place, lines: [Substring]) {
        let text = scalar.string.split(separator: "\n", omittingEmptySubsequences: false)
        switch scalar.style {
        case .literal, .folded:
            let content = lines.dropFirst(place.line)
            guard let example = zip(text, content).first(where: { !$0.0.isEmpty }),
                scalar.style == .literal || text.dropFirst().allSatisfy(\.isEmpty)
            else { return nil }
            let indent = example.1.unicodeScalars.count - example.0.unicodeScalars.count
            guard indent >= 0, content.count >= text.count - 1 else { return nil }
            for (line, written) in zip(text, content) where !line.isEmpty {
                guard written.unicodeScalars.dropFirst(indent).elementsEqual(line.unicodeScalars) else { return nil }
            }
            self.init(first: Place(line: place.line + 1, column: indent + 1), column: indent + 1)
        default:
            guard text.count == 1, lines.indices.contains(place.line - 1) else { return nil }
            let quote = scalar.style == .singleQuoted || scalar.style == .doubleQuoted ? 1 : 0
            let written = lines[place.line - 1].unicodeScalars.dropFirst(place.column - 1 + quote)
            guard written.starts(with: scalar.string.unicodeScalars) else { return nil }
            self.init(first: Place(line: place.line, column: place.column + quote), column: 1)
        }
    }

    private init(first: Place, column: Int) {
        (self.first, self.column) = (first, column)
    }

    /// The place in the file of one in the text.
    func place(of inner: Place) -> Place {
        Place(
            line: first.line + inner.line - 1,
            column: inner.column + (inner.line == 1 ? first.column : column) - 1)
    }
}
