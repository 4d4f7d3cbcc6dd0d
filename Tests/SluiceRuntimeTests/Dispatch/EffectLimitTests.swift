import FunctionProtocol
import ObjectStore
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
        #expect(refusal { () throws(CallRefusal) in try effects.admit(count: EffectSet.maximumEffects) } == nil)
        let many = refusal { () throws(CallRefusal) in try effects.admit(count: EffectSet.maximumEffects + 1) }
        #expect(many?.failure.code == "TooManyEffects" && many?.failure.retry == false)
        #expect(refusal { () throws(CallRefusal) in try effects.admit(bytes: EffectSet.maximumBytes / 2) } == nil)
        let large = refusal { () throws(CallRefusal) in try effects.admit(bytes: EffectSet.maximumBytes / 2) }
        #expect(large?.failure.code == "TooManyEffects" && large?.failure.retry == false)
    }

    @Test("what was put and deleted is known at once, however much there is of it", .timeLimit(.minutes(1)))
    func touched() {
        var effects = EffectSet()
        func address(_ number: Int) -> ObjectAddress { ObjectAddress(bucket: "b", key: "k\(number)") }
        // Looking through all that was asked for before would take hours.
        for number in 0..<EffectSet.maximumEffects {
            guard !effects.touches(address(number)), !effects.isPut(number) else {
                Issue.record("\(number) is not there yet")
                return
            }
            effects.add(
                .init(record: nil, operation: .put(stage: number, to: address(number), overwrite: true)))
        }
        #expect(effects.touches(address(7)) && effects.isPut(7) && effects.effects.count == EffectSet.maximumEffects)
        effects.removeAll()
        #expect(!effects.touches(address(7)) && !effects.isPut(7) && effects.isEmpty)
        let version = ObjectVersion(
            stamp: ObjectStamp(device: 1, inode: 1, size: 1, modified: 1, changed: 1), sample: 0)
        effects.add(.init(record: 0, operation: .delete(address(1), known: version)))
        #expect(effects.touches(address(1)) && !effects.isPut(1) && !effects.touches(address(2)))
    }
}
