import ArgumentParser
import Columnar
import EventPatterns
import FunctionJSON
import Glibc
import HostAPI

/// A command cannot do what it was asked for: what is wrong, and what to do next.
struct Failure: Error {
    var message: String
    var hint: String?

    init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }

    /// A system call failed; `doing` is such as "cannot read data.csv".
    static func system(_ doing: String, hint: String? = nil) -> Failure {
        Failure("\(doing): \(String(cString: strerror(errno)))", hint: hint)
    }

    /// Writes `error: what`, then `  hint: next step`, to stderr.
    static func report(_ error: any Error) {
        let (message, hint) = words(error)
        write(style.red("error:"), message, hint)
    }

    /// Writes `warning: what`, then `  hint: next step`, to stderr: the command goes on.
    static func warn(_ message: String, hint: String? = nil) {
        write(style.yellow("warning:"), message, hint)
    }

    private static var style: Style { Style(enabled: Style.wanted(descriptor: 2)) }

    private static func write(_ label: String, _ message: String, _ hint: String?) {
        StandardError.write(label + " " + Text.shown(message, lineEnd: "\n  "))
        if let hint {
            let whole = HintedCommand.adding(DataOption.repeatedFromCommandLine, to: hint)
            StandardError.write("  " + style.dim("hint:") + " " + Text.shown(whole, lineEnd: "\n  "))
        }
    }

    private static func words(_ error: any Error) -> (message: String, hint: String?) {
        switch error {
        case let error as Failure: (error.message, error.hint)
        case let error as APIError: (error.message, error.hint)
        case let error as ColumnarError: ("\(error)", nil)
        case is CancellationError: ("interrupted", nil)
        default: ("\(error)", nil)
        }
    }
}

/// Commands that hints name, in backquotes: typed as they stand they must ask the host that was asked.
enum HintedCommand {
    /// The hint with ` --data DIR` behind each command that takes it and does not have it.
    static func adding(_ data: String, to hint: String) -> String {
        guard !data.isEmpty else { return hint }
        // What is between backquotes is every second part.
        let parts = hint.split(separator: "`", omittingEmptySubsequences: false).enumerated().map { index, part in
            index % 2 == 1 && wants(part) ? part + data : String(part)
        }
        return parts.joined(separator: "`")
    }

    private static func wants(_ command: Substring) -> Bool {
        let words = command.split(separator: " ")
        guard words.count > 1, words[0] == "sluice", !words[1].hasPrefix("-") else { return false }
        return !["new", "csv", "parquet", "diff", "bench", "help"].contains(words[1])
            && !words.contains { $0 == "--data" || $0.hasPrefix("--data=") }
    }
}
