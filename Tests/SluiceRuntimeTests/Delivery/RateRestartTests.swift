import Journal
import SluiceRuntime
import Testing

@Suite("Rates over a restart")
struct RateRestartTests {
    private let id = SubscriptionID(1)

    /// A core with one subscription at `rate`, whose log has everything waiting.
    private func core(_ rate: Rate, downstream: Rate? = nil) -> DeliveryCore {
        var core = DeliveryCore(boot: 1, globalLimit: 1000, seed: 1)
        core.setFunction("F", limit: 1000)
        if let downstream { core.setDownstreams(["d": DownstreamLimits(rate: downstream)]) }
        core.setSubscription(
            id, function: "F",
            rules: DeliveryRules(rate: downstream == nil ? rate : nil, downstream: downstream == nil ? nil : "d"),
            loaded: 0, newest: 0)
        for position in 1...200 as ClosedRange<Int64> {
            core.accept(
                CommittedRecord(
                    position: position, log: "default", eventID: "\(position)", ingested: 0, payload: [], lineage: [],
                    deliveries: [Delivery(subscription: id, position: position, ordinal: position)]), now: 0
            ) { _, _ in DeliveryTraits(expires: .max) }
        }
        return core
    }

    private func starts(_ core: inout DeliveryCore, now: Instant) -> Int {
        core.pump(now: now).count { if case .start = $0 { true } else { false } }
    }

    @Test("a fast rate begins without a burst, and soon has its own again")
    func fast() {
        let rate = Rate(count: 10, per: 1000)
        var first = core(rate)
        #expect(starts(&first, now: 0) == 10)
        #expect(first.takeSpentRates(now: 0).isEmpty)
        var second = core(rate)
        second.resumeRates([:], now: 50)
        #expect(starts(&second, now: 50) == 0)
        #expect(starts(&second, now: 149) == 0)
        #expect(starts(&second, now: 150) == 1)
        #expect(starts(&second, now: 250) == 1)
        #expect(starts(&second, now: 3000) == 10)
    }

    @Test("a slow one goes on where it stood, of a target and of a downstream", arguments: [false, true])
    func slow(_ isDownstream: Bool) {
        let hour: Int64 = 3_600_000
        let rate = Rate(count: 1, per: hour)
        let owner: RateOwner = isDownstream ? .downstream("d") : .subscription(id)
        var first = core(rate, downstream: isDownstream ? rate : nil)
        #expect(starts(&first, now: 0) == 1)
        let spent = first.takeSpentRates(now: 0)
        #expect(spent.map(\.owner) == [owner] && spent.first?.left == hour * 1000)
        #expect(first.takeSpentRates(now: 0).isEmpty)
        // Ten minutes later the host is there again; its monotonic clock begins anew.
        var second = core(rate, downstream: isDownstream ? rate : nil)
        second.resumeRates([owner: 50 * 60_000_000], now: 7)
        #expect(starts(&second, now: 7) == 0)
        #expect(starts(&second, now: 7 + 50 * 60_000 - 1) == 0)
        #expect(starts(&second, now: 7 + 50 * 60_000) == 1)
    }

    @Test("a clock that jumped holds nothing back longer than the rate's own interval, nor lets more through")
    func clocks() {
        let hour: Int64 = 3_600_000
        for (left, opens) in [(Int64.max / 4, hour), (-Int64.max / 4, 0)] {
            var core = core(Rate(count: 1, per: hour))
            core.resumeRates([.subscription(id): left], now: 0)
            #expect(starts(&core, now: max(0, opens - 1)) == (opens == 0 ? 1 : 0))
            #expect(starts(&core, now: opens) == (opens == 0 ? 0 : 1))
            #expect(starts(&core, now: opens) == 0)
        }
    }

    @Test("what reached nobody is given back, of a target and of a downstream", arguments: [false, true])
    func givenBack(_ isDownstream: Bool) throws {
        let rate = Rate(count: 2, per: 3_600_000)
        var core = core(rate, downstream: isDownstream ? rate : nil)
        func started() throws -> [DeliveryCore.Attempt] {
            core.pump(now: 0).compactMap { if case .start(let attempt) = $0 { attempt } else { nil } }
        }
        let first = try started()
        let left = core.takeSpentRates(now: 0).first?.left
        #expect(first.count == 1)
        core.giveBackRates(of: first[0])
        #expect(core.takeSpentRates(now: 0).map(\.left) == [0])
        #expect(try started().count == 1)
        #expect(core.takeSpentRates(now: 0).map(\.left) == [left])
        #expect(try started().isEmpty)
    }
}
