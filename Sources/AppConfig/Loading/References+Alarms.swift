import EventModel

extension References {
    /// What alarms name must be there.
    func check(_ alarms: [AlarmFile], rules: [RuleFile]) {
        for alarm in alarms {
            let definition = alarm.definition
            checkBus(definition.bus, at: alarm.busPlace, file: alarm.file)
            if let file = definition.expectedFile, let place = alarm.bucketPlace {
                checkBucket(file.bucket, at: place, file: alarm.file)
            }
            guard let dimensions = definition.threshold?.dimensions, let place = alarm.dimensionsPlace else { continue }
            if let name = dimensions.bus {
                if let stream = StreamLog.stream(of: name) {
                    checkStream(stream, at: place, file: alarm.file)
                } else {
                    checkBus(name, at: place, file: alarm.file)
                }
            }
            if let name = dimensions.function { checkWatched(name, rules, at: place, file: alarm.file) }
            guard let name = dimensions.rule else {
                if dimensions.target != nil {
                    alarm.file.report(
                        .missingKey, "`target` without `rule`: ids of targets are unique only within a rule", at: place,
                        hint: "write dimensions: {rule: NAME, target: ID}")
                }
                continue
            }
            let found = rules.filter {
                $0.definition.name == name && $0.definition.bus == dimensions.bus ?? $0.definition.bus
            }
            if found.isEmpty {
                alarm.file.report(
                    .invalidValue, "there is no rule `\(name)`", at: place,
                    hint: NearestName.hint(for: name, among: rules.map(\.definition.name), known: "rules of this app"))
            } else if let target = dimensions.target,
                !found.contains(where: { $0.definition.targets.contains { $0.id == target } })
            {
                alarm.file.report(
                    .invalidValue, "the rule `\(name)` has no target `\(target)`", at: place,
                    hint: "it has " + found.flatMap { $0.definition.targets.map(\.id) }.joined(separator: ", "))
            }
        }
    }

    private func checkWatched(_ name: String, _ rules: [RuleFile], at place: Place, file: ConfigFile) {
        let names =
            functions.map(\.definition.name)
            + rules.flatMap { $0.definition.targets.filter(\.isOutside).map(\.function) }
        guard !names.contains(name) else { return }
        file.report(
            .unknownFunction, "unknown function `\(name)`", at: place,
            hint: NearestName.hint(for: name, among: names, known: "functions of this app"))
    }
}
