import CLinux
import Glibc
import HostAPI

/// Which lines of two small texts differ, for people.
package enum TextComparison {
    /// Larger files are not compared, nor are more lines between the first and the last that differ: it is the host
    /// that does it, and what it costs grows with the square of their number.
    private static let (mostBytes, mostLines) = (64 << 10, 500)
    /// What is told.
    private static let (shownLines, lineBytes) = (20, 160)

    /// Lines that went (`- `) and came (`+ `), in their order, behind the number of the line where they begin
    /// (`@ 12`); nil where one of the files is no small text. Blocking.
    package static func lines(_ before: String, _ after: String) -> [String]? {
        guard let old = text(at: before), let new = text(at: after) else { return nil }
        return lines(old: old, new: new)
    }

    package static func lines(old: String, new: String) -> [String]? {
        lines(old: Array(old.utf8), new: Array(new.utf8))
    }

    /// By bytes: characters take two spellings of one text for equal, and an end of a line with a carriage return for
    /// no end of a line.
    private static func lines(old: [UInt8], new: [UInt8]) -> [String]? {
        var (before, after) = (split(old)[...], split(new)[...])
        let same = zip(before, after).prefix { $0 == $1 }.count
        (before, after) = (before.dropFirst(same), after.dropFirst(same))
        let last = zip(before.reversed(), after.reversed()).prefix { $0 == $1 }.count
        return lines(Array(before.dropLast(last)), Array(after.dropLast(last)), from: same, isEqual: old == new)
    }

    /// - Parameter start: how many lines stand before these.
    private static func lines(
        _ before: [Line], _ after: [Line], from start: Int, isEqual: Bool
    ) -> [String]? {
        guard before.count <= mostLines, after.count <= mostLines else { return nil }
        let difference = after.difference(from: before)
        var (removed, inserted): ([Int: Line], [Int: Line]) = ([:], [:])
        for change in difference {
            switch change {
            case .remove(let offset, let line, _): removed[offset] = line
            case .insert(let offset, let line, _): inserted[offset] = line
            }
        }
        var (shown, left) = ([String](), 0)
        var (one, other) = (0, 0)
        while one < before.count || other < after.count {
            guard removed[one] != nil || inserted[other] != nil else {
                (one, other) = (one + 1, other + 1)
                continue
            }
            let first = one
            while removed[one] != nil { one += 1 }
            let from = other
            while inserted[other] != nil { other += 1 }
            let (went, came) = (Array(before[first..<one]), Array(after[from..<other]))
            guard shown.count < shownLines else {
                left += went.count + came.count
                continue
            }
            shown.append("@ \(start + first + 1)")
            let told = told(went, came)
            shown += told.prefix(shownLines)
            left += max(0, told.count - shownLines)
        }
        if shown.isEmpty, !isEqual { shown.append("the last line has an end in one of them only") }
        if left > 0 { shown.append("… \(left) more \(left == 1 ? "line" : "lines")") }
        return shown
    }

    private static func told(_ went: [Line], _ came: [Line]) -> [String] {
        // A line for a line: of long ones the part that differs.
        let isPaired = went.count == came.count
        func part(_ line: Line, _ index: Int, _ others: [Line]) -> String {
            guard isPaired, line.count > lineBytes else { return ShadowDifference.cut(text(line), to: lineBytes) }
            let same = zip(line, others[index]).prefix { $0 == $1 }.count
            var rest = line.dropFirst(max(0, same - lineBytes / 4))
            // Not in the middle of a character's bytes.
            while let byte = rest.first, byte & 0xc0 == 0x80 { rest = rest.dropFirst() }
            return (rest.count < line.count ? "…" : "") + ShadowDifference.cut(text(rest), to: lineBytes)
        }
        return went.enumerated().map { "- " + part($1, $0, came) } + came.enumerated().map { "+ " + part($1, $0, went) }
    }

    /// Without it, lines that end otherwise would look the same.
    private static func text(_ line: Line) -> String {
        guard line.last == UInt8(ascii: "\r") else { return String(decoding: line, as: UTF8.self) }
        return String(decoding: line.dropLast(), as: UTF8.self) + "\\r"
    }

    private typealias Line = ArraySlice<UInt8>

    private static func split(_ text: [UInt8]) -> [Line] {
        var lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    /// Nil for what is large, or no text.
    private static func text(at path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= mostBytes else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: mostBytes + 1)
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress! + filled, $0.count - filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            filled += count
        }
        let found = bytes[..<filled]
        guard filled <= mostBytes, !found.contains(0) else { return nil }
        return String(validating: found, as: UTF8.self) == nil ? nil : Array(found)
    }
}
