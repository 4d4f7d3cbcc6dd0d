/// Which names a bucket overlooks: files that are being written under a working name.
///
/// A pattern without `/` is compared with the last part of the key, one that ends in `/` with each folder on the way,
/// any other with the whole key. `*` and `?` stop at `/`, `**` does not. Hidden names need no pattern.
package struct IgnoreRules: Sendable, Hashable {
    package static let defaults = ["*.tmp", "*.part", "*.crdownload", "*.filepart", "~$*", "*.swp", "_temporary/"]

    package let patterns: [String]
    private var names: [[UInt8]] = []
    private var folders: [[UInt8]] = []
    private var keys: [[UInt8]] = []

    package init(_ patterns: [String] = defaults) {
        self.patterns = patterns
        for pattern in patterns where !pattern.isEmpty {
            let bytes = Array(pattern.utf8)
            if bytes.last == UInt8(ascii: "/") {
                folders.append(Array(bytes.dropLast()))
            } else if bytes.contains(UInt8(ascii: "/")) {
                keys.append(bytes)
            } else {
                names.append(bytes)
            }
        }
    }

    /// Whether a file of this key is overlooked.
    package func ignores(key: String) -> Bool {
        let bytes = Array(key.utf8)
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if let name = parts.last, names.contains(where: { Self.matches($0[...], name) }) { return true }
        if !folders.isEmpty, parts.dropLast().contains(where: { ignores(folderName: $0) }) { return true }
        return keys.contains { Self.matches($0[...], bytes[...]) }
    }

    /// Whether everything below a folder of this name is overlooked.
    func ignores(folderName: ArraySlice<UInt8>) -> Bool {
        folders.contains { Self.matches($0[...], folderName) }
    }

    private static func matches(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        var pattern = pattern
        var text = text
        // Where to resume when a later literal fails: the last star seen, and the text it may still swallow.
        var resume: (pattern: ArraySlice<UInt8>, text: ArraySlice<UInt8>, crosses: Bool)?
        while true {
            if let first = pattern.first {
                if first == UInt8(ascii: "*") {
                    let rest = pattern.drop { $0 == UInt8(ascii: "*") }
                    resume = (rest, text, pattern.count - rest.count > 1)
                    pattern = rest
                    continue
                }
                if let next = text.first, first == next || (first == UInt8(ascii: "?") && next != UInt8(ascii: "/")) {
                    pattern = pattern.dropFirst()
                    text = text.dropFirst()
                    continue
                }
            } else if text.isEmpty {
                return true
            }
            guard let (rest, start, crosses) = resume, let swallowed = start.first,
                crosses || swallowed != UInt8(ascii: "/")
            else { return false }
            resume = (rest, start.dropFirst(), crosses)
            pattern = rest
            text = start.dropFirst()
        }
    }
}
