import CFunctionABI
import Glibc
import Synchronization

/// The entry of a function: what its entry target hands to the worker.
///
/// ```swift
/// import CountLines
/// import FunctionKit
///
/// @c(sluice_function_entry)
/// public func entry(_ abi: UInt32) -> UnsafeRawPointer? { Function.module(abi) { CountLines() } }
/// ```
public enum Function {
    /// FunctionKit's version, in the module's manifest.
    public static let kitVersion: StaticString = "0.1.0"

    /// The module for the worker, of which there is one in a process; nil when `abi` is not the version that this
    /// FunctionKit speaks. `make` runs once per zygote, under the init timeout. `forkable: false` says that making or
    /// preparing the handler starts threads or keeps descriptors: then each worker is spawned and prepared anew.
    public static func module<H: FunctionHandler>(
        _ abi: UInt32, forkable: Bool = true, _ make: @escaping @Sendable () throws -> H
    ) -> UnsafeRawPointer? {
        module(abi, forkable: forkable) { (_: FunctionSetup) in try make() }
    }

    /// The module for the worker, of a handler that is made from the function's setup (its configuration, mostly).
    public static func module<H: FunctionHandler>(
        _ abi: UInt32, forkable: Bool = true, _ make: @escaping @Sendable (FunctionSetup) throws -> H
    ) -> UnsafeRawPointer? {
        guard abi == SLUICE_ABI_VERSION else { return nil }
        return registered.withLock { registered in
            if let registered { return UnsafeRawPointer(registered.module) }
            let flags =
                (H.takesBatches ? SLUICE_MODULE_BATCH : 0) | (forkable ? 0 : SLUICE_MODULE_NO_FORK)
            let new = Registered(runtime: FunctionRuntime { try make($0) }, flags: flags)
            registered = new
            return UnsafeRawPointer(new.module)
        }
    }

    /// The one function of this image, with its C table, which lives for ever.
    ///
    /// Unchecked: the table is never written after it was made.
    private struct Registered: @unchecked Sendable {
        let runtime: FunctionRuntime
        let module: UnsafeMutablePointer<sluice_function_module>

        init(runtime: FunctionRuntime, flags: UInt32) {
            self.runtime = runtime
            module = .allocate(capacity: 1)
            module.initialize(
                to: sluice_function_module(
                    abi_version: SLUICE_ABI_VERSION, flags: flags, kit_version: text(kitVersion),
                    compiler: text(compilerVersion),
                    prepare: { configuration, error in
                        // The table is handed out after its runtime is registered, so there always is one.
                        guard let runtime = current else { return 1 }
                        return fill(error, runtime.prepare(configuration: Array(configuration.buffer)))
                    },
                    start: { services, error in
                        guard let runtime = current else { return 1 }
                        return fill(error, runtime.start(HostServices(services)))
                    },
                    invoke: { invocation, outcome in
                        guard let runtime = current else {
                            outcome.pointee.status = SLUICE_OUTCOME_ERROR
                            return
                        }
                        outcome.pointee = cOutcome(runtime.invoke(FunctionRuntime.Invocation(invocation.pointee)))
                    },
                    stop: { current?.stop() }))
        }
    }

    private static let registered = Mutex<Registered?>(nil)
    private static var current: FunctionRuntime? { registered.withLock { $0?.runtime } }

    /// The Swift release that compiled FunctionKit.
    private static var compilerVersion: StaticString {
        #if compiler(>=6.4)
            "Swift 6.4 or later"
        #elseif compiler(>=6.3)
            "Swift 6.3"
        #else
            "Swift 6.2"
        #endif
    }

    /// The pointer of a static string, which ends with a zero byte.
    private static func text(_ string: StaticString) -> UnsafePointer<CChar> {
        UnsafeRawPointer(string.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    /// Reports a failed step to the worker: 0 for none.
    private static func fill(
        _ error: UnsafeMutablePointer<sluice_outcome>, _ outcome: FunctionRuntime.Outcome?
    ) -> Int32 {
        guard let outcome else { return 0 }
        error.pointee = cOutcome(outcome)
        return 1
    }

    /// The outcome with its body in memory from malloc, which the worker frees.
    private static func cOutcome(_ outcome: FunctionRuntime.Outcome) -> sluice_outcome {
        var body: UnsafeMutablePointer<UInt8>?
        if !outcome.body.isEmpty, let memory = malloc(outcome.body.count) {
            outcome.body.withUnsafeBytes { bytes in
                if let base = bytes.baseAddress { memcpy(memory, base, bytes.count) }
            }
            body = memory.assumingMemoryBound(to: UInt8.self)
        }
        // Without memory for the answer there is none: an error without a body, rather than a success that lost it.
        let lost = body == nil && !outcome.body.isEmpty
        return sluice_outcome(
            status: lost ? SLUICE_OUTCOME_ERROR : outcome.status, reserved: 0, body: body,
            body_count: body == nil ? 0 : outcome.body.count)
    }
}
