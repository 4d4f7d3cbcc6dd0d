import HostAPI
import SluiceRuntime
import Testing

@Suite("Requested rates")
struct RequestedRateTests {
    @Test("One range for all; what was stored before is brought into it")
    func range() {
        for wrong in [0, -1, 0.0009, 1_000_001, 1e300, .infinity, -.infinity, .nan] as [Double] {
            #expect(throws: APIError.self) { try RequestedRate.check(wrong) }
            #expect(RequestedRate.page(at: wrong, most: 500) >= 1)
            #expect(RequestedRate.milliseconds(of: 500, at: wrong) >= 0)
        }
        for right in [0.001, 1, 1_000_000] as [Double] { #expect(RequestedRate.problem(right) == nil) }
        #expect(RequestedRate.problem(nil) == nil && RequestedRate.page(at: nil, most: 7) == 7)
        #expect(RequestedRate.page(at: 400, most: 500) == 100 && RequestedRate.page(at: 0.5, most: 500) == 1)
        #expect(RequestedRate.milliseconds(of: 100, at: 400) == 250)
    }
}
