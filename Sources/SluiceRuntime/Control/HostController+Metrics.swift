import HostAPI
import Journal
import UVLoop

extension HostController {
    package func metrics() async throws -> String {
        let snapshot = await host.snapshot
        let deliveries = try await deliverySamples(ages: true)
        let functions = await host.functionStatuses.values.sorted { $0.name < $1.name }
        let tallies = await host.tallies
        let head = try await read { try $0.lastRecords(log: nil, limit: 1).last?.position ?? 0 }
        var text = PrometheusText()
        text.begin("sluice_up", .gauge, "1 while the host accepts events: it is ready, and its disk has room.")
        text.add(Int64(snapshot.isAccepting ? 1 : 0))
        text.begin("sluice_held", .gauge, "1 while the host delivers nothing, for it was started with --held.")
        text.add(Int64(await host.isHeld ? 1 : 0))
        text.begin("sluice_start_time_seconds", .gauge, "When the host started, seconds since 1970.")
        text.add(Double(snapshot.started) / 1000)
        text.begin("sluice_boot", .gauge, "How often a host has started on this data folder.")
        text.add(snapshot.boot)
        text.begin("sluice_events_accepted_total", .counter, "Events in the log since the data folder was made.")
        text.add(head)
        text.begin("sluice_resident_bytes", .gauge, "Resident memory of the host process.")
        text.add(Self.residentBytes())
        text.begin("sluice_journal_bytes", .gauge, "Size of the journal on disk, its write-ahead log included.")
        text.add(snapshot.journalBytes)
        text.begin("sluice_free_bytes", .gauge, "Free space on the data folder's disk.")
        text.add(snapshot.freeBytes)
        text.begin("sluice_warnings", .gauge, "What needs a human's eye; `sluice status` names it.")
        text.add(Int64(await warnings(of: snapshot).count))
        text.add(deliveries)
        Self.add(functions, tallies, to: &text)
        await addRunners(to: &text)
        return text.text
    }

    private static func add(
        _ functions: [FunctionStatus], _ tallies: [String: FunctionTally], to text: inout PrometheusText
    ) {
        text.begin("sluice_invocations_total", .counter, "Attempts since the host started.")
        for one in functions {
            text.add(one.succeeded, [("function", TargetName.shown(one.name)), ("outcome", "succeeded")])
            text.add(one.failed, [("function", TargetName.shown(one.name)), ("outcome", "failed")])
            text.add(one.partial ?? 0, [("function", TargetName.shown(one.name)), ("outcome", "partial")])
        }
        func family(
            _ name: String, _ kind: PrometheusText.Kind, _ help: String,
            _ add: (inout PrometheusText, AttemptTally, [(String, String)]) -> Void
        ) {
            text.begin(name, kind, help)
            for one in functions {
                add(&text, tallies[one.name]?.attempts ?? AttemptTally(), [("function", TargetName.shown(one.name))])
            }
        }
        family("sluice_cold_starts_total", .counter, "Attempts that waited for a new worker.") {
            $0.add($1.coldStarts, $2)
        }
        family("sluice_retries_total", .counter, "Deliveries put back to be tried again.") { $0.add($1.retries, $2) }
        family("sluice_invocation_duration_seconds", .histogram, "How long attempts ran.") { $0.add($1.durations, $2) }
        family(
            "sluice_delivery_wait_seconds", .histogram, "From an event's acceptance to the start of its first attempt."
        ) { $0.add($1.waits, $2) }
        text.begin("sluice_workers", .gauge, "Worker processes.")
        for one in functions {
            text.add(Int64(one.busyWorkers), [("function", TargetName.shown(one.name)), ("state", "busy")])
            text.add(Int64(one.idleWorkers), [("function", TargetName.shown(one.name)), ("state", "idle")])
        }
    }
}

extension HostRuntime {
    /// Where the versions of functions are kept.
    var functionsFolder: String { options.dataFolder + "/functions" }

    /// How the functions have fared since the host started.
    var tallies: [String: FunctionTally] { dispatcher.tallies }

    /// And the subscriptions.
    var deliveryTallies: [SubscriptionID: AttemptTally] { dispatcher.deliveryTallies }
}
