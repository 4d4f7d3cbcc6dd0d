/// What a failure's code means for the next step. The table of codes is docs/errors.md.
package enum FailureClass: Sendable, Hashable {
    /// Trying again cannot help: straight to the dead letters.
    case permanent
    /// The handler said so itself: no configuration makes it try again.
    case final
    /// Tried again by the policy.
    case transient
    /// Not the handler's doing: tried again under a cap of its own and not charged to the policy.
    case platform

    /// The class of a failure: what the handler said, else what its code says; unknown codes are transient, because
    /// losing a retry is worse than an extra one.
    package init(code: String, retry: Bool?) {
        switch retry {
        case true?: self = .transient
        case false?: self = .final
        case nil:
            if Self.permanentCodes.contains(code) {
                self = .permanent
            } else if Self.platformCodes.contains(code) {
                self = .platform
            } else {
                self = .transient
            }
        }
    }

    /// Whether an attempt that failed so may be followed by another.
    package var isTriedAgain: Bool { self == .transient || self == .platform }

    /// Failures of platform class that one delivery may have before it is dead all the same.
    package static let platformCap = 10

    /// The process that its worker was forked from was killed, and the worker with it: as a rule by somebody else, or
    /// by what another worker did.
    static let zygoteLost = "ZygoteLost"
    /// How often that is not charged: a handler that kills that process whenever it runs takes its neighbours along.
    package static let zygoteLossCap = 3

    /// Failures of deliveries that never reached their target.
    static let hostRefusals: Set<String> = [
        "HopBudgetExceeded", "InputTransformFailed", "ManifestIncomplete", "MatchUndecided", "RecordExpired",
    ]

    private static let permanentCodes: Set<String> = [
        "AccessDenied", "DuplicateColumn", "EmptyColumnName", "EmptyFile", "HopBudgetExceeded", "InvalidConfiguration",
        "InvalidEvent", "InvalidKey", "InvalidRules", "InvalidUTF8", "KeyExists", "MalformedRow", "MatchUndecided",
        "NoSuchBucket", "NoSuchKey", "NotDelimited", "NotRegular", "NotText", "PublishFailed", "QualityThreshold",
        "SchemaMismatch", "StagingQuotaExceeded", "TooManyEffects", "UnclosedQuote", "Unsupported",
    ]

    private static let platformCodes: Set<String> = [
        "BucketLeaving", "CatalogConflict", "HostStopping", "JournalUnavailable", "NoSpace", "ProtocolError",
        "StagingFailed", "WorkerUnavailable", zygoteLost,
    ]
}
