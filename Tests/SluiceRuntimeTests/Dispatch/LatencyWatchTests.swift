import Journal
import SluiceRuntime
import Testing

@Suite("The steps of a benchmark's events")
struct LatencyWatchTests {
    private func record(_ position: Position, _ payload: String) -> CommittedRecord {
        CommittedRecord(
            position: position, log: "default", eventID: "e\(position)", ingested: 0, payload: Array(payload.utf8),
            lineage: [], deliveries: [])
    }

    @Test("Each step is what lies between two moments; an event that lacks one is left out")
    func intervals() {
        let watch = LatencyWatch()
        let head = #"{"id":"a","detail-type":"Sample","detail":"#
        watch.committed(
            WatchedCommit(
                records: [
                    record(41, head + #"{"id":7,"sent":100,"late":4,"note":"x"}}"#),
                    record(42, head + #"{"id":8,"sent":101,"late":0,"note":"x"}}"#),
                    record(43, head + #"{"somebody":"else"}}"#),
                ], submitted: [110, 110, 110], begun: 130, durable: 170))
        for step in [LatencyWatch.Step.taken, .handedOut, .answered] { watch.note(step, [41, 42, 43]) }
        watch.note(.settled, [41, 43])
        let all = watch.intervals { $0 == 7 ? 300 : 0 }
        #expect(all.count == 1)
        #expect(all.first?.prefix(4) == [4, 6, 20, 40])
        #expect(all.first?.count == LatencyWatch.Step.allCases.count - 1)
    }
}
