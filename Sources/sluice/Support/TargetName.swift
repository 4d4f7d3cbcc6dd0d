import HostAPI

extension TargetName {
    /// The host's name for what was given as shown. Other names are left as they are. A target that is a function is
    /// refused: what is asked for by function's name is of all rules.
    static func meant(by given: String, _ host: any HostControl) async throws -> String {
        guard given.contains("/") else { return given }
        let rules = try await host.listRules(bus: nil)
        // As `status` names subscriptions, also those of functions.
        for rule in rules {
            let name = (rule.bus == "default" ? "" : rule.bus + "/") + rule.name
            guard let target = rule.targets.first(where: { "\(name)/\($0.id)" == given }) else { continue }
            guard !isFunction(target.function) else {
                throw Failure(
                    "\(given) is a target that runs the function \(target.function), as other rules' targets may",
                    hint: "say \(target.function) for what it does for all of them")
            }
            return target.function
        }
        if let known = rules.flatMap(\.targets).map(\.function).first(where: { shown($0) == given }) { return known }
        return try await host.deadLetterGroups().map(\.function).first { shown($0) == given } ?? given
    }
}
