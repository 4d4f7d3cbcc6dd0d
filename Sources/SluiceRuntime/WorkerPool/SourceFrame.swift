import FunctionJSON

/// A function that an address lies in, and where in the source.
package struct SourceFrame: Sendable, Hashable {
    /// As the linker has it.
    package var function: String
    /// `Orders/Orders.swift:27`: the file with its folder; nil for what the compiler made.
    package var place: String?

    /// What Swift calls the function that it inlines where a check fails (lib/IRGen/IRGenSIL.cpp,
    /// `emitCondFail`): a trap itself has no message.
    private static let failedCheck = "Swift runtime failure: "

    /// Of a check that fails here, what it says: `arithmetic overflow`.
    package var trap: String? {
        function.hasPrefix(Self.failedCheck) ? String(function.dropFirst(Self.failedCheck.count)) : nil
    }

    /// What is kept of a name and of a place, in characters, and of the functions that one address lies in: the file is
    /// anybody's.
    private static let (longestName, longestPlace, mostFrames) = (2048, 256, 16)

    /// From what `llvm-symbolizer --output-style=JSON` prints (llvm.org/docs/CommandGuide/llvm-symbolizer.html).
    package static func frames(of output: [UInt8]) -> [UInt64: [SourceFrame]] {
        struct Answer: Decodable {
            var Address: String
            var Symbol: [Symbol]?
        }
        struct Symbol: Decodable {
            var FunctionName: String?
            var FileName: String?
            var Line: Int?
        }
        var frames: [UInt64: [SourceFrame]] = [:]
        for answer in JSONText.decode([Answer].self, from: output) ?? [] {
            guard answer.Address.hasPrefix("0x"), let address = UInt64(answer.Address.dropFirst(2), radix: 16) else {
                continue
            }
            let symbols = answer.Symbol ?? []
            // The last is the function that has a name in the symbol table, too.
            frames[address] = (symbols.prefix(mostFrames - 1) + symbols.dropFirst(mostFrames - 1).suffix(1)).map {
                SourceFrame(
                    function: String(($0.FunctionName ?? "").prefix(longestName)),
                    place: place($0.FileName ?? "", $0.Line ?? 0))
            }
        }
        return frames
    }

    private static func place(_ file: String, _ line: Int) -> String? {
        guard line > 0, !file.isEmpty, !file.hasSuffix("<compiler-generated>") else { return nil }
        return "\(file.split(separator: "/").suffix(2).joined(separator: "/").suffix(longestPlace)):\(line)"
    }
}
