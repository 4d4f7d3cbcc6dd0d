package import Journal

/// One reading of a subscription's log for all keys that have left works there and are free: a hundred thousand keys
/// that become free at once are served by one way through it.
///
/// It goes one way after the other: each from the oldest place of a hungry key to the youngest that was left to the log
/// of any that was hungry when it began, in steps, and brings whatever it meets of a key that can take it. A key rides
/// (`KeyLine.rides`) as long as nothing of it was gone by: what has been read since it got on has nothing more of it,
/// and where the sweep has come to its youngest place, nothing is left of it. A key that gets hungry with a place that
/// was gone by waits for the next way: were the sweep to go back at once, younger places might wait for ever. What is
/// left to the log meanwhile makes no way longer, so that each key waits for two ways at most; and a way ends before
/// its end where nobody hungry is left on it, so that who was late waits for no reading that is nobody's.
struct KeySweep: Sendable {
    /// Begun anew, what rode does so no more.
    var number = 1
    /// What lies up to here has been read.
    var at = Position.max
    /// Where this way ends: once it has come there, the next begins.
    var end: Position = 0
    /// A hungry key for which this way goes on, as far as was looked.
    var rider: String?
    /// Readings asked for, and whether the last of them is under way.
    var asked = 0
    var isAsked = false
    /// Records of the next reading, where memory has no room for more.
    var reach = KeySweep.leastReach

    static let leastReach = 64

    /// Nothing that was asked for is waited for any more.
    mutating func drop() {
        asked += 1
        isAsked = false
    }

    /// Other keys.
    mutating func reset() {
        drop()
        number += 1
        at = .max
        end = 0
        reach = Self.leastReach
    }
}

/// What to read of the log for keys, at most `limit` records.
package struct KeyRefill: Sendable, Hashable {
    /// Where the key is in an event.
    package var path: String
    package var after: Position
    package var through: Position
    package var limit: Int
    /// What an earlier key policy has left behind; nil: for the policy in force.
    var leftover: Int?
    /// Which reading it is.
    var number = 0
}

/// A record, and its key as the refill's path says.
package struct KeyedRecord: Sendable {
    package var record: CommittedRecord
    package var key: String?

    package init(_ record: CommittedRecord, key: String?) {
        self.record = record
        self.key = key
    }
}

/// What an earlier key policy has left behind in the log.
struct Leftover: Sendable {
    let number: Int
    var path: String
    /// Its keys, and from where on their works are not in memory.
    var places: [String: Position]
    var through: Position
    /// It has been read up to here.
    var at: Position
    var isAsked = false
}

/// A work that is in memory, or over. `key`: whose line has left older ones to the log while it was under way; nil: it
/// came as a leftover of an earlier key policy.
struct KnownWork: Sendable {
    var position: Position
    var key: String?
}
