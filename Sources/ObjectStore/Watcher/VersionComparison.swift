/// Why the watcher looks at a key. Several may have come together.
struct LookCause: OptionSet, Sendable {
    let rawValue: UInt8

    /// A writer closed it.
    static let closed = LookCause(rawValue: 1)
    /// It was renamed to this name.
    static let arrived = LookCause(rawValue: 2)
    /// The name was made: a file about to be written, or a hard link.
    static let linked = LookCause(rawValue: 4)
    /// The name went.
    static let gone = LookCause(rawValue: 8)
    /// Metadata changed.
    static let attributes = LookCause(rawValue: 16)
    /// A scan met it, or missed it.
    static let scanned = LookCause(rawValue: 32)
    /// The scan looks through what was copied together with the journal.
    static let copied = LookCause(rawValue: 64)

    /// The scan looks through a folder of which nothing else tells.
    static let polled = LookCause(rawValue: 128)

    /// Somebody has just completed a version.
    var isCompletion: Bool { !isDisjoint(with: [.closed, .arrived]) }
}

/// Whether a complete file is a new version of its key (docs/architecture.md, The life of a dropped file), without any
/// I/O.
enum VersionComparison {
    enum Verdict: Equatable {
        case unchanged
        case created
        /// Known from now on, without an event.
        case adopted
        /// The same version with other stamps.
        case refreshed
    }

    /// `adoptBefore`: in a bucket met for the first time, what a scan finds that has not changed since then was there
    /// before. `isRestored`: the host itself moved this file away and back.
    static func verdict(
        found: ObjectVersion, known: ObjectVersion?, cause: LookCause, adoptBefore: Int64? = nil,
        isRestored: Bool = false
    ) -> Verdict {
        guard let known else {
            // Metadata of a file that nobody has announced: whatever makes it complete is still to come.
            if cause == .attributes { return .unchanged }
            let isJustScanned = cause.isDisjoint(with: [.closed, .arrived, .linked])
            if let adoptBefore, isJustScanned, found.stamp.changed < adoptBefore { return .adopted }
            return .created
        }
        let sampleDiffers = found.sample != 0 && known.sample != 0 && found.sample != known.sample
        if found.stamp.isSameVersion(as: known.stamp) {
            // A second write within one tick of a coarse clock leaves all stamps alike.
            return cause.isCompletion && sampleDiffers ? .created : .unchanged
        }
        if cause.isCompletion {
            return isRestored && found.stamp.isSameContentByStamp(as: known.stamp) && !sampleDiffers
                ? .refreshed : .created
        }
        if cause.isSubset(of: .attributes) {
            // chmod, touch by name, times set after the close. If content changed, its writer's close tells.
            let isSame = found.stamp.inode == known.stamp.inode && found.stamp.size == known.stamp.size
            return isSame && !sampleDiffers ? .refreshed : .unchanged
        }
        if cause.contains(.copied), !cause.contains(.linked), found.stamp.isCopy(of: known.stamp), found.sample != 0,
            found.sample == known.sample
        {
            return .refreshed
        }
        return found.stamp.isSameContentByStamp(as: known.stamp) && !sampleDiffers ? .refreshed : .created
    }
}
