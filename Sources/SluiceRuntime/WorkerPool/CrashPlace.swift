import FunctionProtocol

/// Which function of the handler's a crash was in. It is a part of the failure's message, and so of its fingerprint:
/// crashes in different functions are of different kinds, also where one signal is all that is known of them. A line is
/// not: it is another one with the next build.
package enum CrashPlace {
    /// Longer names say no more.
    private static let longest = 200

    /// The innermost of the frames (as `CrashTrace` has them) that lies in the module and is not of Swift's own; of a
    /// stack that overflowed one that is there often. Functions that call each other are there about equally often,
    /// and where the trace ends says which one more: of these the first by name.
    package static func function(in backtrace: [String], module: String, isRecursion: Bool = false) -> String? {
        let file = module.split(separator: "/").last.map(String.init) ?? module
        let own = backtrace.compactMap { name(of: $0, in: file) }
        guard isRecursion else { return own.first }
        let counts = own.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
        let most = counts.values.max() ?? 0
        return counts.filter { $0.value * 2 >= most }.keys.min { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// `f(_:) + 12 in libF.so at F/F.swift:3`, `f(_:), inlined, in libF.so at F/F.swift:3`
    private static func name(of frame: String, in file: String) -> String? {
        guard let end = frame.firstRange(of: " in \(file)") else { return nil }
        let rest = frame[end.upperBound...]
        guard rest.isEmpty || rest.hasPrefix(" at ") else { return nil }
        var name = frame[..<end.lowerBound]
        if name.hasSuffix(", inlined,") {
            name = name.dropLast(10)
        } else if let offset = name.lastIndex(of: "+"), name[..<offset].hasSuffix(" ") {
            name = name[..<offset].dropLast()
        }
        // An address without a name, and what the compiler has taken over from the library.
        guard !name.isEmpty, !name.hasPrefix("0x"), !name.hasPrefix("Swift.") else { return nil }
        return String(name.prefix(longest))
    }
}

extension AttemptReport.Outcome {
    /// A crash with the function that it was in.
    package func placed(in backtrace: [String], module: String) -> Self {
        guard case .failure(var failure) = self, ["WorkerCrashed", "StackOverflow"].contains(failure.code),
            let function = CrashPlace.function(
                in: backtrace, module: module, isRecursion: failure.code == "StackOverflow")
        else { return self }
        failure.message += ", in \(function)"
        return .failure(failure.bounded)
    }
}
