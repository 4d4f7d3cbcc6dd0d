/// `manifest:` of a rule: the objects its pattern takes are manifests, and its targets hear when all files are there.
package struct ManifestDefinition: Codable, Sendable, Hashable {
    /// What takes the manifests, as JSON text: the rule's own pattern is for the events that tell of them.
    package var pattern: String
    /// How long its files are waited for, counted from the manifest's arrival.
    package var timeLimitSeconds: Int

    package init(pattern: String, timeLimitSeconds: Int = 3600) {
        self.pattern = pattern
        self.timeLimitSeconds = timeLimitSeconds
    }
}

extension RuleDefinition {
    /// The pattern that decides about events of a source. A manifest's rule has two: its own for manifests, and one for
    /// the events that tell of them.
    package func pattern(forSource source: String?) -> String {
        source == ManifestEvents.source ? pattern : manifest?.pattern ?? pattern
    }
}

/// The events that tell of manifests.
package enum ManifestEvents {
    package static let source = "sluice.manifests"
    /// Every file is there, as the manifest says.
    package static let complete = "Manifest Complete"
    /// The time limit is over, or the manifest cannot be read.
    package static let incomplete = "Manifest Incomplete"

    /// What a manifest's rule matches: its own events.
    package static func pattern(rule: String, bus: String) -> String {
        """
        {"source":["\(source)"],"detail-type":["\(complete)","\(incomplete)"],\
        "resources":["\(RuleARN.of(rule: rule, bus: bus))"]}
        """
    }
}
