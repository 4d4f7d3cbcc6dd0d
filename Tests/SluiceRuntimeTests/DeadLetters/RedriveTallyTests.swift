import SluiceRuntime
import Testing

@Suite("Outcomes of redrives")
struct RedriveTallyTests {
    @Test("A page is closed by its last letter, whichever that is, with those that failed")
    func pages() {
        var tally = RedriveTally()
        let (one, two) = (RedriveTally.Place(job: "a", page: 1), RedriveTally.Place(job: "a", page: 2))
        tally.send(RedrivePage([4, 5, 6, 9]), at: one)
        tally.send(RedrivePage([11]), at: two)
        #expect(tally.underWay == 5 && tally.has(9) && !tally.has(7))
        #expect(tally.settle(5, failure: nil) == nil)
        #expect(tally.settle(9, failure: "Boom") == nil)
        #expect(tally.settle(7, failure: nil) == nil)
        // Twice is once.
        #expect(tally.settle(9, failure: nil) == nil)
        let standing = tally.standing(of: "a")
        #expect(standing.left == 3 && standing.succeeded == 1 && standing.failed == 1 && standing.pages == 2)
        #expect(tally.settle(4, failure: nil) == nil)
        let closed = tally.settle(6, failure: nil)
        #expect(closed?.0 == one && closed?.succeeded == 3)
        #expect(closed?.1.failed == [.init(id: 9, code: "Boom")] && closed?.1.isOpen == false)
        #expect(tally.settle(11, failure: "Bang")?.1.failed.count == 1)
        #expect(tally.underWay == 0 && tally.standing(of: "a").pages == 0 && tally.standing(of: "b").pages == 0)
    }

    @Test("A letter that a newer page has sent again has failed for the older one, whatever comes of it")
    func sentAgain() {
        var tally = RedriveTally()
        let (new, old) = (RedriveTally.Place(job: "b", page: 1), RedriveTally.Place(job: "a", page: 1))
        tally.send(RedrivePage([5]), at: new)
        tally.send(RedrivePage([4, 5]), at: old, elsewhere: [5])
        #expect(tally.fail(5, "Boom", at: old) == nil)
        #expect(tally.settle(5, failure: nil)?.place == new)
        let closed = tally.settle(4, failure: nil)
        #expect(closed?.place == old && closed?.succeeded == 1 && closed?.page.failed == [.init(id: 5, code: "Boom")])
    }

    @Test("Ids are kept as runs")
    func runs() {
        let page = RedrivePage([1, 2, 3, 7, 9, 10])
        #expect(page.runs == [[1, 3], [7, 7], [9, 10]] && page.ids == [1, 2, 3, 7, 9, 10])
        #expect(RedrivePage([Int64]()).ids == [])
    }
}
