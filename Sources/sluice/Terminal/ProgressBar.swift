import Glibc

/// A bar on stderr for work that takes long; silent where stderr is no terminal.
struct ProgressBar {
    private let title: String
    private let isShown = isatty(2) == 1
    private var drawn = ""

    init(_ title: String) { self.title = title }

    /// Draws anew where something changed. `total` 0: unknown.
    mutating func show(_ done: Int, of total: Int, note: String = "") {
        guard isShown else { return }
        let width = 24
        let part = total > 0 ? min(1, Double(done) / Double(total)) : 0
        let full = Int(part * Double(width))
        let bar = String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
        var text = "\(title)  \(bar)  \(Human.grouped(done))/\(Human.grouped(total))"
        if !note.isEmpty { text += "  \(note)" }
        text = String(text.prefix((Output.terminalWidth(2) ?? 80) - 1))
        guard text != drawn else { return }
        drawn = text
        StandardError.raw("\r\u{1B}[2K" + text)
    }

    /// Removes the bar, so that the result stands alone.
    mutating func finish() {
        guard isShown, !drawn.isEmpty else { return }
        StandardError.raw("\r\u{1B}[2K")
        drawn = ""
    }
}
