/// A regular expression that whole values must match, in time linear in their length whatever the pattern.
public struct QualityPattern: Sendable {
    /// As it was written.
    public let text: String
    let program: PatternProgram
    /// Where nearly all characters mean the same.
    let runs: PatternRuns?

    /// Fails with `InvalidRule`, naming the place in the pattern.
    public init(_ text: String) throws(ColumnarError) {
        self.text = text
        program = try PatternProgram(try PatternParser.parse(text), pattern: text)
        runs = PatternRuns(program)
    }

    /// Whether the whole value matches. For many values keep a `PatternMatcher`, which remembers what it has seen.
    public func matches(_ value: String) -> Bool {
        let matcher = PatternMatcher(self)
        var copy = value
        return copy.withUTF8 { matcher.matches($0) }
    }
}
