import Journal
import Testing

@Suite("When the writer finishes a checkpoint")
struct LastPassTests {
    @Test("The longer the log, the more may be left to copy; before it is long, nothing")
    func limits() {
        let options = JournalOptions()
        #expect(options.lastPassLimit(at: options.lastPassBytes) == 0)
        #expect(options.lastPassLimit(at: options.lastPassBytes + 1) == options.lastPassRemaining / 2)
        #expect(options.lastPassLimit(at: options.lastPassBytes * 2) == options.lastPassRemaining)
        #expect(options.lastPassLimit(at: options.walLimitBytes) == options.lastPassRemaining * 4)
        #expect(options.passBytes(at: options.lastPassBytes) == options.checkpointBytes)
        // Neither a gap, in which nobody would copy, nor an overlap, in which both would.
        for size in [options.lastPassBytes + 1, options.lastPassBytes * 2, options.walLimitBytes] {
            #expect(options.passBytes(at: size) == options.lastPassLimit(at: size))
        }
        #expect(options.lastPassBytes * 2 < options.walLimitBytes)
    }
}
