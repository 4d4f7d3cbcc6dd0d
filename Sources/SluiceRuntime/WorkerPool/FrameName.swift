/// Names of functions as a backtrace shows them to the handler's author: without what the compiler made of them.
package enum FrameName {
    /// A demangled name without specializations, parts of coroutines and the result's type.
    package static func plain(_ demangled: String) -> String {
        var rest = demangled[...]
        while let shorter = withoutWrapper(rest) { rest = shorter }
        return String(rest[..<endOfCall(rest)])
    }

    /// Frames up to where Swift's runtime began to run the handler's task: what lies further out is the same for each
    /// invocation. All of them where no such place is found behind one of the handler's own.
    package static func relevant(_ frames: [String]) -> [String] {
        guard let start = frames.firstIndex(where: { $0.contains("runJobInEstablishedExecutorContext") }),
            frames[..<start].contains(where: { !$0.contains(" in libswift") && $0.contains(" + ") })
        else { return frames }
        return Array(frames[..<start])
    }

    private static let coroutines = ["suspend resume partial function for ", "await resume partial function for "]
    private static let specializations = [
        "function signature specialization <", "generic specialization <", "generic partial specialization <",
        "generic not re-abstracted specialization <",
    ]

    private static func withoutWrapper(_ name: Substring) -> Substring? {
        if name.hasPrefix("merged ") { return name.dropFirst(7) }
        if name.first == "(", let end = name.firstIndex(of: ")"), name[end...].hasPrefix(") ") {
            let rest = name[end...].dropFirst(2)
            for text in coroutines where rest.hasPrefix(text) { return rest.dropFirst(text.count) }
        }
        for text in specializations where name.hasPrefix(text) {
            guard let end = matching(name, after: name.index(name.startIndex, offsetBy: text.count)) else { return nil }
            let rest = name[end...]
            return rest.hasPrefix("> of ") ? rest.dropFirst(5) : nil
        }
        return nil
    }

    /// The `>` that ends what a `<` before `start` has begun; those of `->` are none.
    private static func matching(_ name: Substring, after start: String.Index) -> String.Index? {
        var depth = 1
        var before: Character = " "
        for index in name[start...].indices {
            let character = name[index]
            if character == "<" { depth += 1 }
            if character == ">", before != "-" {
                depth -= 1
                if depth == 0 { return index }
            }
            before = character
        }
        return nil
    }

    /// Where the result's type begins, outside all brackets.
    private static func endOfCall(_ name: Substring) -> String.Index {
        // What the closure is in comes behind its type.
        if name.hasPrefix("closure #") { return name.endIndex }
        var depth = 0
        for index in name.indices {
            switch name[index] {
            case "(", "[": depth += 1
            case ")", "]": depth -= 1
            case " " where depth == 0:
                if [" async ", " throws ", " -> "].contains(where: { name[index...].hasPrefix($0) }) { return index }
            default: break
            }
        }
        return name.endIndex
    }
}
