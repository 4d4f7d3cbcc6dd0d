import ArgumentParser
import HostAPI

extension DeadLetters {
    /// What dead letters have in common; all that is given must hold.
    struct Filter: ParsableArguments {
        @Option(name: .long, help: "Of this function.") var function: String?
        @Option(name: .long, help: "Failed with this code, such as MalformedRow.") var code: String?
        @Option(name: .long, help: "Failed in this way; `dlq list` shows it.") var fingerprint: String?
        @Option(name: .long, help: ArgumentHelp("Died at or after: \(MomentArgument.words).", valueName: "time"))
        var since: MomentArgument?
        @Option(name: .long, help: ArgumentHelp("Died before this time.", valueName: "time"))
        var until: MomentArgument?
        @OptionGroup var pattern: PatternOption

        var isEmpty: Bool {
            function == nil && code == nil && fingerprint == nil && since == nil && until == nil
                && pattern.eventPattern == nil
        }

        func selection(ids: [Int64]? = nil, all: Bool = false) throws -> DeadLetterSelection {
            DeadLetterSelection(
                ids: ids, function: function, code: code, fingerprint: fingerprint, since: since?.time,
                until: until?.time, eventPattern: try pattern.text(), all: all)
        }

        /// As options again, for hints.
        var repeated: String {
            var text = ""
            for (name, value) in [
                ("function", function), ("code", code), ("fingerprint", fingerprint),
                ("since", since?.time.description), ("until", until?.time.description),
            ] {
                if let value { text += " --\(name) \(value)" }
            }
            if let pattern = pattern.eventPattern { text += " --event-pattern '\(pattern)'" }
            return text
        }
    }

    /// Which dead letters; all that is given must hold.
    struct Choice: ParsableArguments {
        @Argument(help: ArgumentHelp("Ids of dead letters.", valueName: "id")) var ids: [Int64] = []
        @OptionGroup var filter: Filter
        @Flag(name: .long, help: "All of them.") var all = false

        func selection() throws -> DeadLetterSelection {
            try filter.selection(ids: ids.isEmpty ? nil : ids, all: all)
        }

        func validate() throws {
            if !all && ids.isEmpty && filter.isEmpty {
                throw ValidationError(
                    "Say which: ids, --function, --code, --fingerprint, --since, --until, --event-pattern or --all.")
            }
            if all && !(ids.isEmpty && filter.isEmpty) { throw ValidationError("--all stands alone.") }
        }
    }
}
