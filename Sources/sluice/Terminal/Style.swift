import Glibc

/// Colours, or none.
struct Style: Sendable {
    var enabled: Bool

    func bold(_ text: String) -> String { wrap(text, "1") }
    func dim(_ text: String) -> String { wrap(text, "2") }
    func red(_ text: String) -> String { wrap(text, "31") }
    func green(_ text: String) -> String { wrap(text, "32") }
    func yellow(_ text: String) -> String { wrap(text, "33") }
    func blue(_ text: String) -> String { wrap(text, "36") }

    /// A word for a state, in the colour of how worrying it is.
    func state(_ word: String) -> String {
        switch word {
        case "ready", "active", "succeeded", "settled", "ok", "added", "redriven", "COMPLETED": green(word)
        case "HELD", "failed", "dead", "error", "critical", "removed", "off", "FAILED": red(word)
        case "retrying", "parked", "paused", "disabled", "draining", "warning", "starting", "stopping", "changed",
            "dropped",
            "superseded", "polling", "mixed", "CANCELLING", "CANCELLED":
            yellow(word)
        default: word
        }
    }

    private func wrap(_ text: String, _ code: String) -> String {
        enabled && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    /// On a terminal, unless NO_COLOR is set (https://no-color.org).
    static func wanted(descriptor: CInt) -> Bool {
        isatty(descriptor) == 1 && getenv("NO_COLOR") == nil
    }
}

/// The standard error, line by line.
enum StandardError {
    static func write(_ line: String) { raw(line + "\n") }

    static func raw(_ text: String) {
        fflush(nil)
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while let base = rest.baseAddress, !rest.isEmpty {
                let count = Glibc.write(2, base, rest.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}
