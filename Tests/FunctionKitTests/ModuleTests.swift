import CFunctionABI
import FunctionKit
import FunctionTesting
import Glibc
import Synchronization
import Testing

@Suite("Lifecycle and the C table", .timeLimit(.minutes(5)), .serialized)
struct ModuleTests {
    struct Stages: BytesHandler {
        var log: [String] = ["init"]

        mutating func prepare(_ setup: FunctionSetup) throws { log.append("prepare \(setup.functionName)") }
        mutating func start(_ setup: FunctionSetup) async throws {
            await Task.yield()
            setup.logger.info("starting")
            log.append("start")
        }
        func handle(_ payload: [UInt8], context: Context) async throws -> [UInt8] {
            Array(log.joined(separator: ",").utf8)
        }
    }

    @Test("init, prepare and start leave their marks on the handler")
    func stages() async throws {
        let worker = try await TestHost().start(Stages())
        let first = await worker.invoke(payload: [])
        #expect(first.output == Array("init,prepare TestFunction,start".utf8))
        #expect(first.logs.map(\.text) == ["starting"])
        #expect(await worker.invoke(payload: []).output == first.output)
    }

    @Test("a failure to make, to prepare or to start says which error")
    func failures() async {
        struct Failing: BytesHandler {
            var inStart: Bool
            mutating func prepare(_ setup: FunctionSetup) throws {
                if !inStart { throw HandlerError(code: "NoRules", message: "rules.yaml is missing") }
            }
            mutating func start(_ setup: FunctionSetup) async throws {
                throw HandlerError(code: "NoDatabase", message: "")
            }
            func handle(_ payload: [UInt8], context: Context) async throws -> [UInt8] { [] }
        }
        #expect(await TestHost().invoke(Failing(inStart: false), payload: []).failure?.code == "NoRules")
        #expect(await TestHost().invoke(Failing(inStart: true), payload: []).failure?.code == "NoDatabase")
        await #expect(throws: HandlerError.self) {
            try await TestHost().start { (setup: FunctionSetup) in
                try setup.configuration(as: [Int].self).isEmpty ? Stages() : Stages()
            }
        }
    }

    private static let lines = Mutex<[String]>([])

    @Test("the module's C functions, from an ABI number to an outcome")
    func table() throws {
        #expect(Function.module(99) { Stages() } == nil)
        let raw = try #require(
            Function.module(SLUICE_ABI_VERSION) {
                ClosureHandler { (event: [String: Int], context: Context) in
                    if event.isEmpty { throw HandlerError(code: "Empty", message: "nothing", retry: false) }
                    context.logger.info("attempt \(context.attempt) \(context.requestID) \(context.invocationID)")
                    _ = try await context.objects.head("b", "k")
                    return event.mapValues { $0 * 2 }
                }
            })
        let module = raw.assumingMemoryBound(to: sluice_function_module.self).pointee
        #expect(module.abi_version == SLUICE_ABI_VERSION)
        #expect(module.flags == 0)
        #expect(String(cString: module.compiler).hasPrefix("Swift 6"))
        // There is one module in a process: asking again gives the same one.
        #expect(Function.module(SLUICE_ABI_VERSION) { Stages() } == raw)

        func with<R>(_ text: String, _ body: (sluice_bytes) -> R) -> R {
            var text = text
            return text.withUTF8 { body(sluice_bytes(data: $0.baseAddress, count: $0.count)) }
        }
        func take(_ outcome: sluice_outcome) -> String {
            defer { free(outcome.body) }
            return String(decoding: UnsafeBufferPointer(start: outcome.body, count: outcome.body_count), as: UTF8.self)
        }
        func invoke(_ payload: String, flags: UInt32 = 0) -> (UInt32, String) {
            var outcome = sluice_outcome()
            with("7-1") { request in
                with("inv") { id in
                    with(payload) { payload in
                        var invocation = sluice_invocation(
                            deadline_ns: .max, attempt: 3, flags: flags, request_id: request, invocation_id: id,
                            payload: payload)
                        module.invoke(&invocation, &outcome)
                    }
                }
            }
            return (outcome.status, take(outcome))
        }

        #expect(invoke("{}").1.contains("NotPrepared"))
        var error = sluice_outcome()
        #expect(with("{}", { module.prepare($0, &error) }) != 0)
        #expect(error.status == SLUICE_OUTCOME_ERROR)
        #expect(take(error).contains("MalformedConfiguration"))
        let configuration =
            #"{"function":"F","version":1,"timeoutMilliseconds":1000,"memoryMegabytes":64,"environment":{},"configuration":"{}","logLevel":"info"}"#
        #expect(with(configuration, { module.prepare($0, &error) }) == 0)
        // A warm-up needs no services, and never runs the handler.
        #expect(invoke("{}", flags: SLUICE_INVOCATION_WARM_UP) == (SLUICE_OUTCOME_SUCCESS, ""))
        #expect(invoke("{}").1.contains("NotStarted"))

        let services = UnsafeMutablePointer<sluice_worker_services>.allocate(capacity: 1)
        services.initialize(
            to: sluice_worker_services(
                abi_version: SLUICE_ABI_VERSION, reserved: 0, context: nil,
                call: { _, operation, _, _, _, reply, count, descriptor in
                    let text =
                        #"{"bucket":"b","key":"k","size":1,"etag":"e","sequencer":"0","lastModified":"2021-11-12T00:00:00Z"}"#
                    reply.pointee = strdup(text).map { UnsafeMutableRawPointer($0).assumingMemoryBound(to: UInt8.self) }
                    count.pointee = text.utf8.count
                    descriptor.pointee = -1
                    return operation == SLUICE_CALL_HEAD_OBJECT ? 0 : -1
                },
                release: { _, reply in free(reply) },
                log: { _, level, line, count in
                    let text = String(decoding: UnsafeBufferPointer(start: line, count: count), as: UTF8.self)
                    ModuleTests.lines.withLock { $0.append("\(level) \(text)") }
                }))
        #expect(module.start(services, &error) == 0)
        #expect(invoke(#"{"a":2}"#) == (SLUICE_OUTCOME_SUCCESS, #"{"a":4}"#))
        #expect(Self.lines.withLock { $0 } == ["2 attempt 3 7-1 inv"])
        #expect(invoke("{}") == (SLUICE_OUTCOME_ERROR, #"{"code":"Empty","message":"nothing","retry":false}"#))
        module.stop()
    }
}
