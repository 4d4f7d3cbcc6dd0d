import ArgumentParser
import Gateway
import Glibc
import HostAPI

/// `--data`: which host.
struct DataOption: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("The data folder of the host. Default: $SLUICE_DATA, else ./data.", valueName: "dir"))
    var data: String?

    /// The folder that is meant.
    var folder: String {
        if let data { return data }
        if let value = getenv("SLUICE_DATA"), value.pointee != 0 { return String(cString: value) }
        return "./data"
    }

    /// ` --data DIR` where it was given, for commands that a hint names.
    var repeated: String { data.map { " --data \(Text.shellWord($0))" } ?? "" }

    /// The same for those who have no options at hand, such as the one place that writes hints: from the command line.
    static let repeatedFromCommandLine: String = {
        let words = CommandLine.arguments.dropFirst().prefix { $0 != "--" }
        if let index = words.firstIndex(of: "--data"), index + 1 < words.endIndex {
            return " --data \(Text.shellWord(words[index + 1]))"
        }
        let given = words.first { $0.hasPrefix("--data=") }
        return given.map { " --data \(Text.shellWord(String($0.dropFirst(7))))" } ?? ""
    }()

    /// The host that runs on the folder.
    var host: any HostControl {
        HostClient(dataFolder: folder) { message, hint in Failure.warn(message, hint: hint) }
    }
}

/// `--json`.
struct OutputOption: ParsableArguments {
    @Flag(name: .long, help: "Print JSON, one object a line.")
    var json = false

    var output: Output { Output(json: json) }
}

/// What every command that asks a host takes.
struct CommonOptions: ParsableArguments {
    @OptionGroup var dataOption: DataOption
    @OptionGroup var outputOption: OutputOption

    var folder: String { dataOption.folder }
    var host: any HostControl { dataOption.host }
    var repeated: String { dataOption.repeated }
    var output: Output { outputOption.output }
}

/// `--rows`, for the first rows of a table or file.
struct RowsOption: ParsableArguments {
    @Option(
        name: [.long, .customShort("n"), .customLong("limit")], help: ArgumentHelp("How many.", valueName: "n"))
    var rows = 10

    func validate() throws {
        guard rows >= 0 else { throw ValidationError("--rows must not be negative.") }
    }
}

/// `--threads`, for conversions and profiles.
struct ThreadsOption: ParsableArguments {
    @Option(help: "How many threads: 1 or 2.") var threads = 1

    /// As many as are used.
    var count: Int { min(threads, 2) }

    func validate() throws {
        guard threads >= 1 else { throw ValidationError("--threads must be at least 1.") }
    }
}

/// `--limit`, for lists that can be long.
struct LimitOption: ParsableArguments {
    @Option(name: [.long, .customShort("n")], help: ArgumentHelp("Print at most this many; 0: all.", valueName: "n"))
    var limit = 50

    func validate() throws {
        guard limit >= 0 else { throw ValidationError("--limit must be 0 (all) or more.") }
    }

    /// Says on stderr, where it is in nobody's way, that the list goes on.
    func tell(_ isMore: Bool) {
        guard isMore else { return }
        StandardError.write(
            Style(enabled: Style.wanted(descriptor: 2)).dim("… there are more: --limit N, or 0 for all"))
    }

    /// Asks page after page, and hands over each item until there are enough.
    /// - Returns: whether there is more.
    @discardableResult
    func each<Item: Codable & Sendable>(
        _ page: (PageRequest) async throws -> Page<Item>, do body: (Item) throws -> Void
    ) async throws -> Bool {
        var left = limit == 0 ? Int.max : limit
        var after: String?
        while left > 0 {
            let part = try await page(PageRequest(limit: min(left, PageRequest.maximumLimit), after: after))
            for item in part.items { try body(item) }
            left -= part.items.count
            guard let next = part.next, !part.items.isEmpty else { return false }
            after = next
        }
        return true
    }
}
