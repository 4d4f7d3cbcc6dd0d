import AppConfig
import ArgumentParser

/// What the parser does not say: which command was meant.
enum CommandNames {
    /// "there is no command `stat`; did you mean `sluice status`?", where a word stands in the place of a command and
    /// is none. Nil for everything else.
    static func trouble(in arguments: [String], from root: any ParsableCommand.Type) -> String? {
        var (command, path) = (root, [name(of: root)])
        for word in arguments {
            let verbs = command.configuration.subcommands
            guard !verbs.isEmpty, !word.hasPrefix("-"), word != "help" || command != root else { return nil }
            if let verb = verbs.first(where: { name(of: $0) == word || $0.configuration.aliases.contains(word) }) {
                command = verb
                path.append(word)
                continue
            }
            // Half a word is no slip of a finger, but means the only one that begins so.
            let begun = word.count < 3 ? [] : verbs.map(name).filter { $0.hasPrefix(word) }
            let near = NearestName.of(word, among: verbs.map(name)) ?? (begun.count == 1 ? begun[0] : nil)
            let meant = near.map {
                "did you mean `\((path + [$0]).joined(separator: " "))`?"
            }
            return "there is no command `\((path + [word]).dropFirst().joined(separator: " "))`; "
                + (meant ?? "`\(path.joined(separator: " ")) --help` lists those there are")
        }
        return nil
    }

    /// As the parser makes it of the type, where the configuration has none.
    private static func name(of command: any ParsableCommand.Type) -> String {
        command._commandName
    }
}
