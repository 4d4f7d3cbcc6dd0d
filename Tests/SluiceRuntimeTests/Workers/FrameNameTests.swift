import SluiceRuntime
import Testing

@Suite("Names in backtraces")
struct FrameNameTests {
    @Test(
        "What the compiler has made of a function is left out",
        arguments: [
            (
                "(3) suspend resume partial function for function signature specialization <Arg[2] = Dead> of "
                    + "Count.Count.handle(_: Event<Swift.String>, context: Context) async throws -> [Swift.Int: Result<A>]",
                "Count.Count.handle(_: Event<Swift.String>, context: Context)"
            ),
            (
                "generic specialization <(A) -> B<C>, D> of merged Swift.Array.map<A>((B) throws -> A) throws -> [A]",
                "Swift.Array.map<A>((B) throws -> A)"
            ),
            ("closure #1 () -> () in Count.run()", "closure #1 () -> () in Count.run()"),
            ("main", "main"), ("generic specialization <", "generic specialization <"), ("", ""),
        ])
    func plain(demangled: String, shown: String) {
        #expect(FrameName.plain(demangled) == shown)
    }

    @Test("The runtime's frames behind the handler's are left out, and none where the handler has none")
    func relevant() {
        let job = "_ZN5swift34runJobInEstablishedExecutorContextEPNS_3JobE + 367 in libswift_Concurrency.so"
        let own = "Count.handle + 8 in libCount.so"
        #expect(FrameName.relevant([own, job, "serve + 1 in sluice-worker"]) == [own])
        #expect(FrameName.relevant(["0x1 in libswiftCore.so", job]) == ["0x1 in libswiftCore.so", job])
        #expect(FrameName.relevant([own]) == [own])
    }
}
