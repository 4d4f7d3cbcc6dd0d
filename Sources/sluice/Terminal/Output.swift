import FunctionJSON
import Glibc
import Synchronization

/// What a command prints: readable text, or JSON with one object a line.
struct Output: Sendable {
    let json: Bool
    let style: Style
    /// Takes the lines instead of the standard output.
    private let frame: Frame?

    init(json: Bool = false, to frame: Frame? = nil) {
        self.json = json
        self.frame = frame
        style = Style(enabled: Style.wanted(descriptor: 1))
    }

    private func put(_ text: String) {
        if let frame { frame.add(text) } else { print(text) }
    }

    /// One line; what follows a line end in it is indented.
    func line(_ text: String = "") { put(Text.shown(text, lineEnd: "\n  ", tab: "\t")) }

    /// A sentence, `indent` spaces in; in a terminal what does not fit goes on below, `hanging` spaces further in.
    func sentence(_ text: String, indent: Int = 0, hanging: Int = 2) {
        let space = String(repeating: " ", count: indent)
        var lines = [Text.shown(text, lineEnd: " ", tab: " ")]
        if isatty(1) == 1, let columns = Self.terminalWidth(1) {
            lines = Text.filled(lines[0], width: max(20, columns - indent - hanging))
        }
        put(space + lines.joined(separator: "\n" + String(repeating: " ", count: hanging) + space))
    }

    /// One object, on one line.
    func object(_ value: some Encodable) throws {
        print(try TapeEncoder().text(value))
    }

    /// Bytes as they are, whatever a terminal makes of them.
    func raw(_ bytes: [UInt8]) throws {
        guard !bytes.isEmpty else { return }
        // What was printed comes before it.
        fflush(nil)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0 { Self.endWithoutReader() }
            guard count > 0 else { throw Failure.system("cannot write the output") }
            rest = rest.dropFirst(count)
        }
    }

    /// Makes what was printed visible now, for output that goes on. Ends the program where nobody reads it any more.
    func flush() {
        if fflush(nil) != 0 { Self.endWithoutReader() }
    }

    /// The other end of the pipe is gone, as after `| head -1`: ends as SIGPIPE would end it, which the network library
    /// has ignored. Returns where the error was another one.
    private static func endWithoutReader() {
        if errno == EPIPE { _exit(128 + SIGPIPE) }
    }

    /// A heading of a section, with an empty line before it.
    func heading(_ text: String) {
        put("")
        put(style.bold(text))
    }

    /// Names and values, aligned; in a terminal long values go on below themselves.
    func fields(_ fields: [(name: String, value: String?)], indent: Int = 0) {
        let columns = isatty(1) == 1 ? Self.terminalWidth(1) : nil
        let shown = fields.compactMap { field in field.value.map { (field.name, $0) } }
        let width = shown.map(\.0.count).max() ?? 0
        for (name, value) in shown {
            let label = name + String(repeating: " ", count: width - name.count)
            let space = String(repeating: " ", count: indent)
            let below = "\n" + space + String(repeating: " ", count: width + 2)
            var lines = Text.shown(value, lineEnd: "\n").split(separator: "\n", omittingEmptySubsequences: false)
                .map(String.init)
            if let columns {
                lines = lines.flatMap { Text.filled($0, width: max(20, columns - indent - width - 2)) }
            }
            put(space + style.dim(label) + "  " + lines.joined(separator: below))
        }
    }

    /// An aligned table; `indent` spaces before each row.
    func table(_ columns: [Table.Column], _ rows: [[String]], indent: Int = 0) {
        let width = isatty(1) == 1 ? Self.terminalWidth(1) : nil
        let rows = rows.map { $0.map { Text.shown($0) } }
        for line in Table(columns: columns, rows: rows).lines(style: style, width: width.map { $0 - indent }) {
            put(String(repeating: " ", count: indent) + line)
        }
    }

    /// JSON for reading: pretty, indented by two.
    func json(_ value: RawJSON, indent: Int = 2) {
        let text: String
        if let parsed = try? JSONValue(parsing: value.bytes) {
            text = String(decoding: parsed.serialized(pretty: true), as: UTF8.self)
        } else {
            text = value.text
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            put(String(repeating: " ", count: indent) + line)
        }
    }

    /// Lines of the terminal; nil when unknown.
    static func terminalHeight(_ descriptor: CInt) -> Int? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 2 else { return nil }
        return Int(size.ws_row)
    }

    /// Columns of the terminal; nil when unknown.
    static func terminalWidth(_ descriptor: CInt) -> Int? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return nil }
        return Int(size.ws_col)
    }
}

/// Lines for a picture that is to fit the terminal.
final class Frame: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ text: String) {
        let added = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        lines.withLock { $0 += added }
    }

    /// As many lines as there is room for, none wider than the terminal; the last says how many are left out.
    func fitted(rows: Int?, columns: Int?) -> [String] {
        var lines = lines.withLock { $0 }
        // The cursor stands below the last one.
        if let rows, lines.count > rows - 1 {
            let shown = max(1, rows - 2)
            lines = lines.prefix(shown) + ["… \(lines.count - shown) more lines"]
        }
        return columns.map { width in lines.map { Table.cut($0, to: width) } } ?? lines
    }
}
