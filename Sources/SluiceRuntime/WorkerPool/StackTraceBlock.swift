import Journal

/// What Swift's runtime writes to the standard error behind the line of a fatal error: the raw frames of its own stack,
/// without names in a module that was loaded (stdlib/public/runtime/Errors.cpp, `reportNow`). The backtrace of the
/// attempt says the same with names and places.
package enum StackTraceBlock {
    private static let heading = "Current stack trace:"

    /// The lines without such a block, where it is the last that came on the standard error: then the runtime wrote it,
    /// which ends the process behind it. Whatever else looks like one is the handler's.
    package static func removed(from lines: [WorkerLogLine]) -> [WorkerLogLine] {
        let errors = lines.indices.filter { lines[$0].stream == .stderr }
        guard let start = errors.lastIndex(where: { lines[$0].text == heading }) else { return lines }
        // `Fatal error: …` stands before it.
        guard start > 0, lines[errors[start - 1]].text.contains("Fatal error") else { return lines }
        let frames = errors[(start + 1)...]
        guard !frames.isEmpty,
            zip(frames, 0...).allSatisfy({ isFrame(lines[$0].text, number: $1) })
        else { return lines }
        let block = Set(errors[start...])
        return lines.indices.filter { !block.contains($0) }.map { lines[$0] }
    }

    /// `0    libswiftCore.so   0x00007f2a00000000 <unavailable> + 1234`
    private static func isFrame(_ text: String, number: Int) -> Bool {
        let words = text.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count >= 2, words[0] == "\(number)" else { return false }
        return words.contains { word in
            word.hasPrefix("0x") && word.count > 2 && word.dropFirst(2).allSatisfy(\.isHexDigit)
        }
    }
}
