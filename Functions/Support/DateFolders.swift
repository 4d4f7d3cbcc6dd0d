/// Folders of a path that say when: `2026/11/21/23`, `2026-11-21`, `2026.11`, `21-11-2026`, `20261121`, `2026112123`.
///
/// Any other number is a name: that of a store or a customer. A year is one of 1900 to 2199; what a number below it may
/// be (month, day, hour, minute) follows from the folder above it.
enum DateFolders {
    /// Years, months, days, hours, minutes, seconds.
    private static let ranges = [1900...2199, 1...12, 1...31, 0...23, 0...59, 0...59]

    /// The folders that are none of dates.
    static func removed(from folders: some Sequence<String>) -> [String] {
        // How many parts of a date the folders just above have given.
        var depth = 0
        return folders.filter { folder in
            depth = parts(folder, after: depth) ?? parts(folder, after: 0) ?? 0
            return depth == 0
        }
    }

    /// How many parts of a date are known with a folder; nil where it is none that follows so many.
    private static func parts(_ folder: String, after depth: Int) -> Int? {
        guard let first = folder.utf8.first, (0x30...0x39).contains(first), folder.utf8.count <= 19 else { return nil }
        var words = folder.split(omittingEmptySubsequences: false) { $0 == "-" || $0 == "_" || $0 == "." }.map(
            String.init)
        if depth == 0, words.count == 1 {
            // All in one: YYYYMM, YYYYMMDD, YYYYMMDDHH.
            guard [4, 6, 8, 10].contains(folder.utf8.count) else { return nil }
            words = [String(folder.prefix(4))] + pairs(folder.dropFirst(4))
        }
        // The day first, as many write it.
        if depth == 0, words.count == 3, words[2].utf8.count == 4 { words.reverse() }
        guard depth + words.count <= ranges.count else { return nil }
        for (index, word) in words.enumerated() {
            let place = depth + index
            let isLong = place == 0 ? word.utf8.count == 4 : (1...2).contains(word.utf8.count)
            guard isLong, word.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(word),
                ranges[place].contains(number)
            else { return nil }
        }
        return depth + words.count
    }

    private static func pairs(_ digits: Substring) -> [String] {
        stride(from: 0, to: digits.count, by: 2).map { String(digits.dropFirst($0).prefix(2)) }
    }
}
