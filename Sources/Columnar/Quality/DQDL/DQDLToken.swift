/// A word of a DQDL document, or of the SQL in a where clause, with its place.
struct DQDLToken: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// `ColumnValues`, `and`, `now`.
        case word(String)
        /// Between double quotes in DQDL, single quotes in SQL.
        case text(String)
        /// As it was written, without a sign.
        case number(String)
        /// `[ ] ( ) { } , = != <> > >= < <= - + : ; *` and the like.
        case symbol(String)
        case end
    }

    var kind: Kind
    /// From 1.
    var line: Int
    /// In characters, from 1.
    var column: Int

    /// For messages.
    var description: String {
        switch kind {
        case .word(let word): word
        case .text(let text): "\"\(text.prefix(40))\""
        case .number(let text): text
        case .symbol(let symbol): "\"\(symbol)\""
        case .end: "the end"
        }
    }
}

/// Cuts a DQDL document, or SQL, into words. Source of the grammar: AWS Glue's DQDL reference and the grammar of
/// `awslabs/dqdl`.
struct DQDLLexer {
    enum Language {
        case dqdl
        /// Texts stand between single quotes, names may stand between backticks or double quotes.
        case sql
    }

    private let characters: [Character]
    private let language: Language
    private var position = 0
    private var line: Int
    private var column: Int

    /// - Parameters:
    ///   - line: place of the first character, for SQL within a document.
    private init(_ text: String, language: Language, line: Int, column: Int) {
        characters = Array(text)
        self.language = language
        self.line = line
        self.column = column
    }

    /// All words, with `end` as the last. Fails with `InvalidRule` at an unclosed text.
    static func tokens(
        _ text: String, language: Language = .dqdl, line: Int = 1, column: Int = 1
    ) throws(ColumnarError) -> [DQDLToken] {
        var lexer = DQDLLexer(text, language: language, line: line, column: column)
        var tokens: [DQDLToken] = []
        while let token = try lexer.next() { tokens.append(token) }
        tokens.append(DQDLToken(kind: .end, line: lexer.line, column: lexer.column))
        return tokens
    }

    static func fault(_ line: Int, _ column: Int, _ problem: String) -> ColumnarError {
        ColumnarError(.invalidRule, "DQDL line \(line), column \(column): \(problem)", line: Int64(line))
    }

    private var peek: Character? { position < characters.count ? characters[position] : nil }

    private mutating func advance() {
        // CR LF is one character in Swift.
        if characters[position].isNewline {
            line += 1
            column = 1
        } else {
            column += 1
        }
        position += 1
    }

    private mutating func skipBlanks() {
        while let character = peek {
            if character.isWhitespace {
                advance()
            } else if character == "#", language == .dqdl {
                while let inner = peek, !inner.isNewline {
                    _ = inner
                    advance()
                }
            } else {
                return
            }
        }
    }

    private mutating func next() throws(ColumnarError) -> DQDLToken? {
        skipBlanks()
        guard let first = peek else { return nil }
        let (line, column) = (self.line, self.column)
        func token(_ kind: DQDLToken.Kind) -> DQDLToken { DQDLToken(kind: kind, line: line, column: column) }
        switch first {
        case "\"" where language == .dqdl, "'" where language == .sql:
            return token(.text(try quoted(first)))
        case "`" where language == .sql, "\"" where language == .sql:
            return token(.word(try quoted(first)))
        case _ where first.isASCII && first.isNumber:
            return token(.number(number()))
        case _ where first.isLetter || first == "_":
            return token(.word(word()))
        default:
            advance()
            let two = peek.map { String([first, $0]) } ?? ""
            if ["!=", ">=", "<=", "<>", "=="].contains(two) {
                advance()
                return token(.symbol(two))
            }
            return token(.symbol(String(first)))
        }
    }

    private mutating func quoted(_ quote: Character) throws(ColumnarError) -> String {
        let (line, column) = (self.line, self.column)
        advance()
        var text = ""
        while let character = peek {
            advance()
            if character == quote {
                // SQL doubles quotes.
                guard language == .sql, peek == quote else { return text }
                advance()
                text.append(quote)
            } else if character == "\\", let escaped = peek, escaped == quote || escaped == "\\" {
                // DQDL keeps other escapes, such as those of regular expressions, as they are. Of "\\" one stays.
                advance()
                text.append(escaped)
            } else {
                text.append(character)
            }
        }
        throw Self.fault(line, column, "this text is never closed; add \(quote)")
    }

    private mutating func number() -> String {
        var text = ""
        var hasPoint = false
        while let character = peek {
            if character == ".", !hasPoint {
                hasPoint = true
            } else if character == "e" || character == "E", position + 1 < characters.count,
                characters[position + 1].isNumber || ["+", "-"].contains(characters[position + 1])
            {
                text.append(character)
                advance()
                text.append(characters[position])
                advance()
                continue
            } else if !(character.isASCII && character.isNumber) {
                break
            }
            text.append(character)
            advance()
        }
        return text
    }

    private mutating func word() -> String {
        var text = ""
        while let character = peek, character.isLetter || character.isNumber || character == "_" || character == "." {
            text.append(character)
            advance()
        }
        return text
    }
}
