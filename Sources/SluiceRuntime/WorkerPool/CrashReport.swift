/// What a crashing worker wrote into its crash pipe (sluice_zygote.h): pure.
struct CrashReport: Sendable {
    struct Module: Sendable, Hashable {
        var base: UInt64
        var path: String
    }

    var signal: Int32 = 0
    var isStackOverflow = false
    /// Bytes of the allocation that failed, if one did.
    var failedAllocation: UInt64 = 0
    var frames: [UInt64] = []
    var modules: [Module] = []

    /// Nil if the worker wrote nothing that says how it ended.
    init?(_ bytes: [UInt8]) {
        func hex(_ text: Substring) -> UInt64 { UInt64(text, radix: 16) ?? 0 }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 5)
            switch words.first {
            case "signal" where words.count > 1: signal = Int32(truncatingIfNeeded: hex(words[1]))
            case "stack": isStackOverflow = true
            case "allocation" where words.count > 1: failedAllocation = hex(words[1])
            case "pc" where words.count > 1: frames.append(hex(words[1]))
            case "module" where words.count > 4:
                modules.append(Module(base: hex(words[1]), path: line.split(separator: " ", maxSplits: 4).last.map(String.init) ?? ""))
            default: break
            }
        }
        if signal == 0 { return nil }
    }

    /// The failure's code and what it means.
    func describe(memory megabytes: Int) -> (code: String, message: String) {
        if failedAllocation > 0 {
            return (
                "OutOfMemory",
                "the handler asked for \(failedAllocation) bytes beyond its \(megabytes) MB; raise memorySize in "
                    + "function.yaml, or stream instead of reading whole objects"
            )
        }
        if isStackOverflow { return ("StackOverflow", "the handler's stack overflowed: it recursed too deep") }
        return ("WorkerCrashed", "the handler crashed: \(Self.name(of: signal))")
    }

    static func name(of signal: Int32) -> String {
        let names: [Int32: String] = [
            4: "SIGILL (a Swift trap: fatalError, a failed precondition, nil unwrapped, overflow)",
            5: "SIGTRAP (a Swift trap: fatalError, a failed precondition, nil unwrapped, overflow)",
            6: "SIGABRT (abort)", 7: "SIGBUS", 8: "SIGFPE (division)", 9: "SIGKILL", 11: "SIGSEGV (bad memory access)",
            15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ",
        ]
        return names[signal] ?? "signal \(signal)"
    }
}
