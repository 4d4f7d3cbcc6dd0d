/// Names of folders as Hive has them: `name=value`, with what no path or parser bears written as `%XX`.
enum PartitionPath {
    /// Stands for null.
    static let null = "__HIVE_DEFAULT_PARTITION__"

    /// One folder of a path, with its slash.
    /// - Parameter name: nil where the folder has the value alone.
    static func folder(_ name: String?, _ value: String?) -> String {
        let value = value.map(escaped) ?? null
        return (name.map { "\(escaped($0))=" } ?? "") + value + "/"
    }

    /// Control characters and `"#%'*/:=?\{[]^` as `%XX`.
    /// Source: Hive's `FileUtils.escapePathName`.
    static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: isSpecial) else { return text }
        var result: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            if isSpecial(byte) {
                result += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x1F, 0x7F: true
        case 0x22, 0x23, 0x25, 0x27, 0x2A, 0x2F, 0x3A, 0x3D, 0x3F, 0x5B, 0x5C, 0x5D, 0x5E, 0x7B: true
        default: false
        }
    }
}
