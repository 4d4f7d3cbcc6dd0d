import AppConfig
import ArgumentParser
import HostAPI

extension DeadLetters {
    /// What dead letters have in common; all that is given must hold.
    struct Filter: ParsableArguments {
        @Option(name: .long, help: "Of this function, or of RULE/ID for a command, webhook, bus or stream.")
        var function: String?
        @Option(name: .long, help: "Failed with this code, such as MalformedRow.") var code: String?
        @Option(name: .long, help: "Failed in this way: a fingerprint, or its beginning, from `dlq list`.")
        var fingerprint: String?
        @Option(name: .long, help: ArgumentHelp("Died at or after: \(MomentArgument.words).", valueName: "time"))
        var since: MomentArgument?
        @Option(name: .long, help: ArgumentHelp("Died before this time.", valueName: "time"))
        var until: MomentArgument?
        @OptionGroup var pattern: PatternOption

        var isEmpty: Bool {
            function == nil && code == nil && fingerprint == nil && since == nil && until == nil
                && pattern.eventPattern == nil
        }

        func selection(
            ids: [Int64]? = nil, all: Bool = false, _ host: any HostControl
        ) async throws -> DeadLetterSelection {
            DeadLetterSelection(
                ids: ids, function: try await functionMeant(host), code: code,
                fingerprint: try await wholeFingerprint(host), since: since?.time, until: until?.time,
                eventPattern: try pattern.text(), all: all)
        }

        /// The host's name for the function, or other target, that was given.
        func functionMeant(_ host: any HostControl) async throws -> String? {
            guard let function else { return nil }
            return try await TargetName.meant(by: function, host)
        }

        /// The fingerprint that begins as the one that was given; that one where there is none.
        func wholeFingerprint(_ host: any HostControl) async throws -> String? {
            guard let fingerprint, fingerprint.utf8.count < 16, !fingerprint.isEmpty else { return fingerprint }
            let known = Set(try await host.deadLetterGroups().map(\.fingerprint)).sorted()
            let meant = known.filter { $0.hasPrefix(fingerprint) }
            guard meant.count < 2 else {
                throw Failure(
                    "\(meant.count) fingerprints begin with \(fingerprint)",
                    hint: "give more of one: \(meant.joined(separator: ", "))")
            }
            return meant.first ?? fingerprint
        }

        /// Nothing was found, and something was to be done with it: throws where no dead letter has the function, code
        /// or fingerprint that was named.
        func explainNothing(_ common: CommonOptions) async throws {
            let groups = try await common.host.deadLetterGroups()
            try await requireFunction(groups, common)
            if let reason = nobody(among: groups, common) { throw reason }
        }

        /// Nothing was found to be listed: throws where the function that was named is none at all. That no dead letter
        /// has a code is an answer, and the line that says so.
        func nothingListed(_ common: CommonOptions) async throws -> String {
            guard !isEmpty else { return "no dead letters" }
            let groups = try await common.host.deadLetterGroups()
            try await requireFunction(groups, common)
            if groups.isEmpty { return "no dead letters" }
            return (["no dead letters like that"] + [nobody(among: groups, common)?.hint].compactMap(\.self))
                .joined(separator: ": ")
        }

        private func requireFunction(_ groups: [DeadLetterGroupInfo], _ common: CommonOptions) async throws {
            if let function {
                // The groups also have functions that are no longer deployed.
                let targets = try await common.host.listRules(bus: nil).flatMap(\.targets).map(\.function)
                let deployed = try await common.host.listFunctions().map(\.status.name) + targets
                let names = Set((deployed + groups.map(\.function)).flatMap { [$0, TargetName.shown($0)] })
                let isKnown = names.contains(try await TargetName.meant(by: function, common.host))
                guard isKnown else {
                    throw Failure(
                        "there is no function \(function), and there are no dead letters of one",
                        hint: NearestName.hint(
                            for: function, among: names.filter { !$0.contains(":") }, known: "the functions"))
                }
            }
        }

        /// Why a code or a fingerprint finds nothing; nil: not because no dead letter has it.
        private func nobody(among groups: [DeadLetterGroupInfo], _ common: CommonOptions) -> Failure? {
            if let code, !groups.contains(where: { $0.code == code }) {
                return Failure(
                    "no dead letter has the code \(code)",
                    hint: groups.isEmpty
                        ? "there are no dead letters"
                        : NearestName.hint(for: code, among: Set(groups.map(\.code)), known: "those there are have"))
            }
            if let fingerprint, !groups.contains(where: { $0.fingerprint.hasPrefix(fingerprint) }) {
                return Failure(
                    "no dead letter has the fingerprint \(fingerprint)",
                    hint: groups.isEmpty
                        ? "there are no dead letters" : "`sluice dlq list\(common.repeated)` shows those there are")
            }
            return nil
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

        func selection(_ host: any HostControl) async throws -> DeadLetterSelection {
            try await filter.selection(ids: ids.isEmpty ? nil : ids, all: all, host)
        }

        func validate() throws {
            if !all && ids.isEmpty && filter.isEmpty {
                throw ValidationError(
                    "Say which: ids, --function, --code, --fingerprint, --since, --until, --event-pattern or --all.")
            }
            if all && !(ids.isEmpty && filter.isEmpty) { throw ValidationError("--all stands alone.") }
        }

        /// Throws before anything is done where an id that was given is no dead letter, or no more.
        func requireIDs(_ common: CommonOptions) async throws {
            var (others, underWay): ([String], [String]) = ([], [])
            for id in Set(ids).sorted() {
                do {
                    let letter = try await common.host.deadLetter(id: id)
                    let state = letter.summary.state
                    if let job = letter.redrivenBy {
                        others.append("\(id) (redriving, by job \(job))")
                        if !underWay.contains(job) { underWay.append(job) }
                    } else if state != "dead" {
                        others.append("\(id) (\(state))")
                    }
                } catch let error as APIError where error.code == "NotFound" {
                    others.append("\(id)")
                }
            }
            guard !others.isEmpty else { return }
            throw Failure(
                (others.count == 1 ? "there is no dead letter " : "there are no dead letters ")
                    + others.joined(separator: ", ") + (Set(ids).count > others.count ? "; nothing was done" : ""),
                hint: underWay.first.map { "`sluice dlq jobs \($0)\(common.repeated)` shows how far it is" }
                    ?? "`sluice dlq list --letters\(common.repeated)` shows those there are")
        }

        /// Nothing was found: throws where that is because of a wrong name.
        func explainNothing(_ common: CommonOptions) async throws { try await filter.explainNothing(common) }
    }
}
