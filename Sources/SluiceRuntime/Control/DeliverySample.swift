package import HostAPI

/// A subscription's numbers at one moment.
package struct DeliverySample: Sendable {
    package var status: SubscriptionStatus
    package var tally: AttemptTally

    package init(status: SubscriptionStatus, tally: AttemptTally = AttemptTally()) {
        self.status = status
        self.tally = tally
    }
}

extension PrometheusText {
    /// The families of deliveries, each with all subscriptions.
    package mutating func add(_ all: [DeliverySample]) {
        func labels(_ one: SubscriptionStatus) -> [(String, String)] {
            [
                ("bus", one.bus), ("rule", one.rule), ("target", one.target),
                ("function", TargetName.shown(one.function)),
            ]
        }
        func family(
            _ name: String, _ kind: Kind, _ help: String,
            _ add: (inout PrometheusText, DeliverySample, [(String, String)]) -> Void
        ) {
            begin("sluice_deliveries_" + name, kind, help)
            for one in all { add(&self, one, labels(one.status)) }
        }
        func count(_ name: String, _ kind: Kind, _ help: String, _ value: (SubscriptionStatus) -> Int64) {
            family(name, kind, help) { $0.add(value($1.status), $2) }
        }
        count("matched_total", .counter, "Events that the subscription wanted.", \.matched)
        count("succeeded_total", .counter, "Deliveries that succeeded.", \.succeeded)
        count("dropped_total", .counter, "Deliveries that the handler did not want.", \.dropped)
        count("superseded_total", .counter, "Deliveries of a version that a newer one has replaced.", \.superseded)
        count("purged_total", .counter, "Dead letters that were given up for good.", \.purged)
        count("waiting", .gauge, "Deliveries that wait in the log, those in flight included.", \.waiting)
        count("in_flight", .gauge, "Deliveries that a worker has, or whose outcome is being published.", \.inFlight)
        count("retrying", .gauge, "Deliveries that wait to be tried again.", \.retrying)
        count("parked", .gauge, "Deliveries held back behind a dead letter.", \.parked)
        count("redriven", .gauge, "Dead letters that are under way again.", \.redriven)
        count("dead", .gauge, "Dead letters.", \.dead)
        count("unaccounted", .gauge, "Matched minus everything above: conservation, always 0.", \.unaccounted)
        family("oldest_age_seconds", .gauge, "Age of the oldest delivery that is not settled.") {
            $0.add($1.status.oldestAgeSeconds ?? 0, $2)
        }
        family("retries_total", .counter, "Deliveries put back to be tried again, since the host started.") {
            $0.add($1.tally.retries, $2)
        }
        family("cold_starts_total", .counter, "Attempts that waited for a new worker, since the host started.") {
            $0.add($1.tally.coldStarts, $2)
        }
        family("duration_seconds", .histogram, "How long attempts ran.") { $0.add($1.tally.durations, $2) }
        family("wait_seconds", .histogram, "From an event's acceptance to the start of its first attempt.") {
            $0.add($1.tally.waits, $2)
        }
    }
}
