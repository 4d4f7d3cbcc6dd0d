import FunctionProtocol
import SluiceRuntime
import Testing

@Suite("What one attempt may ask for")
struct EffectLimitTests {
    private func refusal(_ body: () throws(CallRefusal) -> Void) -> CallRefusal? {
        do throws(CallRefusal) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    @Test("more effects, or more bytes of them, are refused, and not tried again")
    func limits() {
        var effects = EffectSet()
        #expect(refusal { () throws(CallRefusal) in try effects.admit(count: EffectSet.mostEffects) } == nil)
        let many = refusal { () throws(CallRefusal) in try effects.admit(count: EffectSet.mostEffects + 1) }
        #expect(many?.failure.code == "TooManyEffects" && many?.failure.retry == false)
        #expect(refusal { () throws(CallRefusal) in try effects.admit(bytes: EffectSet.mostBytes / 2) } == nil)
        let large = refusal { () throws(CallRefusal) in try effects.admit(bytes: EffectSet.mostBytes / 2) }
        #expect(large?.failure.code == "TooManyEffects" && large?.failure.retry == false)
    }
}
