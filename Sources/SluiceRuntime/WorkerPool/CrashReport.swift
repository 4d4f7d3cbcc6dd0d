package import FunctionProtocol

/// What a crashing worker wrote into its crash pipe (sluice_zygote.h): pure.
package struct CrashReport: Sendable {
    package struct Module: Sendable, Hashable {
        /// What a symbol's address is counted from.
        package var base: UInt64
        /// Where its code lies, `high` excluded.
        package var low: UInt64
        package var high: UInt64
        package var path: String
    }

    package var signal: Int32 = 0
    /// Why the worker gave up by itself: `memory`, `protocol`, `parent`.
    package var end: String?
    package var isStackOverflow = false
    /// Bytes of the allocation that failed, if one did.
    package var failedAllocation: UInt64 = 0
    package var frames: [UInt64] = []
    package var modules: [Module] = []

    /// Nil if the worker wrote nothing that says how it ended.
    package init?(_ bytes: [UInt8]) {
        func hex(_ text: Substring) -> UInt64 { UInt64(text, radix: 16) ?? 0 }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 4)
            switch words.first {
            case "signal" where words.count > 1: signal = Int32(truncatingIfNeeded: hex(words[1]))
            case "stack": isStackOverflow = true
            case "allocation" where words.count > 1: failedAllocation = hex(words[1])
            case "end" where words.count > 1: end = String(words[1])
            case "pc" where words.count > 1: frames.append(hex(words[1]))
            case "module" where words.count > 4:
                modules.append(
                    Module(base: hex(words[1]), low: hex(words[2]), high: hex(words[3]), path: String(words[4])))
            default: break
            }
        }
        if signal == 0, end == nil { return nil }
    }

    /// The failure that this is.
    package func failure(memoryMegabytes: Int) -> Failure {
        if failedAllocation > 0 || end == "memory" {
            let unit: UInt64 = 1 << 20
            let amount =
                failedAllocation > 0
                ? "\((UInt64(failedAllocation) + unit / 2) / unit) MB more than" : "more memory than"
            return Failure(
                code: "OutOfMemory",
                message: "the handler asked for \(amount) its \(memoryMegabytes) MB allow; raise memorySize in "
                    + "function.yaml, or stream instead of reading whole objects")
        }
        if isStackOverflow {
            return Failure(code: "StackOverflow", message: "the handler's stack overflowed: it recursed too deep")
        }
        if let end {
            return Failure(code: "ProtocolError", message: "the worker gave up: it could not read what came (\(end))")
        }
        return Failure(code: "WorkerCrashed", message: "the handler crashed: \(Self.name(of: signal))")
    }

    /// What ends a Swift program that cannot go on.
    static let trap = "a Swift trap: fatalError, a failed precondition, nil unwrapped, overflow"

    static func name(of signal: Int32) -> String {
        let names: [Int32: String] = [
            4: "SIGILL (\(trap))", 5: "SIGTRAP (\(trap))",
            6: "SIGABRT (abort)", 7: "SIGBUS", 8: "SIGFPE (division)", 9: "SIGKILL", 11: "SIGSEGV (bad memory access)",
            15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ",
        ]
        return names[signal] ?? "signal \(signal)"
    }
}
