/// Deliberate mistakes that the simulation can be told to make, each at the border of the core or of the journal: what
/// a wrong line in the core, the dispatcher, the recovery or the journal would come to. The simulator must catch each.
enum SeededBug: String, CaseIterable, Sendable {
    /// An answer from an attempt that ended is believed, and settles again.
    case believesLateAnswers
    /// The effect is committed in a batch of its own, before the settlement.
    case commitsEffectBeforeSettlement
    /// The settlement is committed in a batch of its own, before the effect.
    case settlesBeforePublishing
    /// A start does not load the pending set.
    case forgetsPending
    /// A start does not load the keys that dead letters hold back.
    case forgetsParkedKeys
    /// A start does not load the pauses.
    case forgetsPauses
    /// A pause by hand is not stored.
    case doesNotStorePauses
    /// What waits in the pending set has no key after a restart.
    case forgetsKeysOfRetries
    /// The last outcome of a batch is lost.
    case losesBatchTail
    /// Events do not age.
    case doesNotAge
    /// Events age while their subscription is paused.
    case agesWhilePaused
    /// The log is read from one record too far.
    case movesFloorEarly
    /// The log is read without regard to what is settled.
    case readsSettledRecords
    /// A purge leaves its key held back.
    case keepsKeysOfPurgedLetters
    /// A redriven letter frees its key before it stands in line itself.
    case freesKeyBeforeRedrive
    /// A worker's slot is never given back.
    case leaksSlots
    /// A worker's slot is given back when it starts.
    case freesSlotsEarly
    /// What dies is counted as dropped.
    case dropsSilently
    /// After a disk error later batches are written before those that were held back.
    case reordersCommits
    /// Failures of the platform are charged to the handler.
    case chargesPlatformFailures
    /// In an ordered batch, records after a key's first failure count as delivered.
    case believesRecordsBehindFailures
    /// The rate of a target is not kept.
    case ignoresRates
    /// The concurrency of a downstream is not kept.
    case ignoresDownstreams
    /// The bytes of a batch are not counted.
    case ignoresBatchBytes
    /// A deployment that makes batches smaller, or takes them away, is not told to the core.
    case keepsOldBatches
    /// The order within a key is not kept.
    case ignoresOrder
    /// Parked keys are counted again while outcomes are on their way.
    case countsParkedKeysEarly
    /// Records that come while the log is being read are not told to the core.
    case losesNewsDuringReads
    /// A read that failed is not told to the core.
    case forgetsFailedReads
    /// The answer to a read is taken for the one that was asked last.
    case mixesUpReads
    /// A record is missing in what was read for keys.
    case missesRecordsOfKeys
    /// A function that is gone is not told to the core.
    case startsStranded
    /// A deployment that takes a rate down, or brings one, is not told to the core.
    case keepsOldRates
    /// Codes that are never to be tried again are tried again.
    case retriesRefusedCodes
}
