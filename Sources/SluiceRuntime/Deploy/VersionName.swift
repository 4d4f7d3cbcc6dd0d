import HostAPI

/// `NAME` or `NAME@VERSION`: a function as it is in force, or one version of it.
struct VersionName {
    var name: String
    /// As it was written, which need not be a number; nil: what is in force.
    var version: String?

    init(_ text: String) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        name = parts[0]
        version = parts.count == 2 ? parts[1] : nil
    }

    /// The version that is named, among all that are kept; nil where none is named.
    func found(among known: [FunctionVersion]) throws(APIError) -> FunctionVersion? {
        guard let version else { return nil }
        let own = known.filter { $0.name == name }
        if let number = Int(version), let found = own.first(where: { $0.version == number }) { return found }
        let there = own.map(\.version).sorted().map(String.init).joined(separator: ", ")
        throw .notFound(
            "function version", "\(name)@\(version)",
            hint: there.isEmpty ? "`sluice functions list` shows what is deployed" : "there are versions \(there)")
    }

    /// What a version goes by: the one that is in force by its function's name, so that a deployment replaces it.
    static func key(of version: FunctionVersion, inForce: Int?) -> String {
        inForce == version.version ? version.name : "\(version.name)@\(version.version)"
    }
}
