import FunctionProtocol
import Journal
import SluiceRuntime
import Testing

@Suite("Which function a crash was in")
struct CrashPlaceTests {
    private let trace = [
        "_swift_runtime_on_report + 0 in libswiftCore.so",
        "Swift.Array.subscript.getter : A + 12 in libOrders.so",
        "Orders.pick(_:from:), inlined, in libOrders.so at Orders/Orders.swift:27",
        "Orders.Handler.handle(_:context:) + 512 in libOrders.so at Orders/Orders.swift:12",
    ]

    @Test("The innermost of the handler's own, with or without lines, whatever its offset")
    func innermost() {
        #expect(
            CrashPlace.function(in: trace, module: "/data/functions/Orders/1/libOrders.so") == "Orders.pick(_:from:)")
        let bare = ["0x12 in libOrders.so", "dereference_null + 8 in libOrders.so", "invoke + 4 in libOrders.so"]
        #expect(CrashPlace.function(in: bare, module: "libOrders.so") == "dereference_null")
        #expect(CrashPlace.function(in: trace, module: "libOrder.so") == nil)
        #expect(CrashPlace.function(in: [], module: "libOrders.so") == nil)
        let deep =
            ["leaf() + 1 in a.so"]
            + Array(repeating: ["down(_:) + 9 in a.so", "up(_:) + 3 in a.so"], count: 9).flatMap(\.self)
        #expect(CrashPlace.function(in: deep, module: "a.so", isRecursion: true) == "down(_:)")
        // One more of the other, for the trace ends elsewhere.
        #expect(CrashPlace.function(in: deep + ["up(_:) + 3 in a.so"], module: "a.so", isRecursion: true) == "down(_:)")
    }

    private func fingerprint(_ message: String, _ trace: [String]) -> String {
        let outcome = AttemptReport.Outcome.failure(Failure(code: "WorkerCrashed", message: message))
        guard case .failure(let failure) = outcome.placed(in: trace, module: "libOrders.so") else { return "" }
        return Fingerprint.of(target: "Orders", code: failure.code, message: failure.message)
    }

    @Test("Crashes of one signal in different functions are of different kinds, and of the same kind after a rebuild")
    func kinds() {
        let signal = "the handler crashed: SIGSEGV (bad memory access)"
        let one = fingerprint(signal, ["one(_:) + 12 in libOrders.so at Orders/Orders.swift:27"])
        #expect(one != fingerprint(signal, ["two(_:) + 12 in libOrders.so at Orders/Orders.swift:31"]))
        #expect(one == fingerprint(signal, ["one(_:) + 96 in libOrders.so at Orders/Orders.swift:41"]))
        #expect(one != fingerprint("the handler crashed: SIGBUS", ["one(_:) + 12 in libOrders.so"]))
        let check = "the handler crashed: Index out of range, at Orders/Orders.swift:"
        #expect(fingerprint(check + "27", trace) == fingerprint(check + "99", trace))
        #expect(fingerprint(check + "27", trace) != fingerprint(check + "27", ["other() + 1 in libOrders.so"]))
    }
}

@Suite("Swift's own stack trace")
struct StackTraceBlockTests {
    private func left(_ lines: [String]) -> [String] {
        var logs = LogCapture()
        for line in lines {
            logs.add(Array("\(line)\n".utf8)[...], from: line.hasPrefix("out: ") ? .stdout : .stderr, at: 0)
        }
        return StackTraceBlock.removed(from: logs.lines).map(\.text)
    }

    private let block = [
        "Current stack trace:", "0    libswiftCore.so                    0x00007f1a2b3c4d5e <unavailable> + 4212345",
        "1    libOrders.so                       0x00007f1a2b3c4d5f <unavailable> + 1234",
    ]

    @Test("The block behind a fatal error goes, and nothing else")
    func removed() {
        let error = "Orders/Orders.swift:27: Fatal error: no rows"
        #expect(left(["mine", error] + block) == ["mine", error])
        #expect(left([error, block[0], "out: between", block[1], block[2]]) == [error, "out: between"])
        // What the handler wrote: behind it, without an error before it, of other numbers, no frames.
        for own in [
            [error] + block + ["mine"], ["mine"] + block, [error, block[0], block[2], block[1]], [error, block[0]],
            [error, block[0], "0 apples"], block, [],
        ] {
            #expect(left(own) == own)
        }
    }
}
