import CLinux
import Glibc
package import Journal

/// The host's two clocks. Within one life everything is reckoned on the monotonic one; only what is persisted is
/// wall-clock, and is translated when it is written and when it is read back.
package struct HostClock: Sendable {
    private let source: (@Sendable () -> (wall: Int64, monotonic: Int64))?

    package init() {
        source = nil
    }

    /// A clock that tells what `source` says, in nanoseconds: virtual time for simulations.
    package init(source: @escaping @Sendable () -> (wall: Int64, monotonic: Int64)) {
        self.source = source
    }

    /// Milliseconds since 1970, UTC.
    package var wall: Milliseconds { (source?().wall ?? Self.read(CLOCK_REALTIME)) / 1_000_000 }

    /// Milliseconds on the monotonic clock.
    package var now: Instant { nanoseconds / 1_000_000 }

    /// Nanoseconds on the monotonic clock.
    package var nanoseconds: Int64 { source?().monotonic ?? Self.read(CLOCK_MONOTONIC) }

    /// Both clocks at once, for many things of one moment.
    package var moment: Moment { Moment(now: now, wall: wall) }

    package struct Moment: Sendable {
        package var now: Instant
        package var wall: Milliseconds
    }

    /// The wall-clock time of a monotonic instant, as of now.
    package func persisted(_ instant: Instant) -> Milliseconds { wall + (instant - now) }

    /// The monotonic instant of a persisted due time: never in the past, never later than `longest` from now, so that
    /// a clock that jumped cannot hold a delivery back for ever.
    package func instant(due: Milliseconds, longest: Int64) -> Instant {
        now + min(max(0, due - wall), longest)
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension HostClock.Moment {
    /// When something ingested at `time` is older than `maximumAge` milliseconds. Ages are never negative.
    package func expiry(ingested time: Milliseconds, maximumAge: Int64) -> Instant {
        now + maximumAge - max(0, wall - time)
    }
}
