/// Reads the keys of one mapping, reporting what does not fit, and at the end what nobody asked for.
///
/// Each call names a key that is known; `finish` reports every other key. A value that does not fit is reported and
/// reads as absent, so that one run finds every mistake.
struct MappingReader {
    let file: ConfigFile
    let place: Place
    /// What the mapping is, for messages: `a target`.
    let subject: String
    private let entries: [YAMLEntry]
    private var known: [String] = []

    /// Nil, with a report, if the node is not a mapping.
    init?(_ node: YAMLNode, subject: String, file: ConfigFile) {
        guard case .mapping(let entries) = node.value else {
            file.report(
                .invalidValue, "\(subject) must be a mapping of keys to values, not \(node.inWords)", at: node.place)
            return nil
        }
        self.entries = entries
        self.file = file
        self.place = node.place
        self.subject = subject
    }

    /// The value of the key, if it is there and not null.
    mutating func node(_ key: String) -> YAMLNode? {
        known.append(key)
        guard let entry = entries.first(where: { $0.key == key }) else { return nil }
        if case .null = entry.value.value { return nil }
        return entry.value
    }

    /// A text. Numbers and booleans are refused: what they turn into would be a guess.
    mutating func string(_ key: String) -> String? {
        guard let node = node(key) else { return nil }
        guard case .string(let text) = node.value else {
            invalid(key, node, "a text", hint: isScalar(node) ? "quote it: \(key): \"\(node.text)\"" : nil)
            return nil
        }
        return text
    }

    mutating func integer(_ key: String, in range: ClosedRange<Int>, unit: String = "") -> Int? {
        guard let node = node(key) else { return nil }
        let unit = unit.isEmpty ? "" : " of \(unit)"
        if case .integer(let text) = node.value, let number = Int(text), range.contains(number) { return number }
        invalid(key, node, "a whole number\(unit) from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    mutating func number(_ key: String, in range: ClosedRange<Double>, unit: String = "") -> Double? {
        guard let node = node(key) else { return nil }
        let unit = unit.isEmpty ? "" : " of \(unit)"
        switch node.value {
        case .integer(let text), .float(let text):
            if let number = Double(text), range.contains(number) { return number }
        default: break
        }
        // Bounds that only keep a number exact are nobody's business.
        let isOpen = range.lowerBound <= -1e15 && range.upperBound >= 1e15
        let bounds = isOpen ? "" : " from \(Self.short(range.lowerBound)) to \(Self.short(range.upperBound))"
        invalid(key, node, "a number\(unit)\(bounds)")
        return nil
    }

    /// One of the names of an enumeration.
    mutating func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, _ type: Choice.Type) -> Choice?
    where Choice.RawValue == String {
        guard let node = node(key) else { return nil }
        if let choice = Choice(rawValue: node.text) { return choice }
        let names = Choice.allCases.map(\.rawValue)
        let nearest = NearestName.of(node.text, among: names).map { "did you mean `\($0)`?" }
        invalid(key, node, "one of \(names.joined(separator: ", "))", hint: nearest)
        return nil
    }

    /// A list of texts, with the place of each.
    mutating func strings(_ key: String) -> [(text: String, place: Place)]? {
        guard let node = node(key) else { return nil }
        guard case .sequence(let items) = node.value else {
            invalid(key, node, "a list of texts", hint: isScalar(node) ? "write \(key): [\(node.text)]" : nil)
            return nil
        }
        return items.compactMap { item in
            if case .string(let text) = item.value { return (text, item.place) }
            file.report(
                .invalidValue, "`\(key)` of \(subject) must hold texts, not \(item.inWords)", at: item.place,
                hint: isScalar(item) ? "quote it: \"\(item.text)\"" : nil)
            return nil
        }
    }

    mutating func list(_ key: String) -> [YAMLNode]? {
        guard let node = node(key) else { return nil }
        guard case .sequence(let items) = node.value else {
            invalid(key, node, "a list")
            return nil
        }
        return items
    }

    /// The pairs of a mapping, in the order of the file.
    mutating func mapping(_ key: String) -> [YAMLEntry]? {
        guard let node = node(key) else { return nil }
        guard case .mapping(let entries) = node.value else {
            invalid(key, node, "a mapping")
            return nil
        }
        return entries
    }

    /// A reader for the mapping beneath the key.
    mutating func reader(_ key: String) -> MappingReader? {
        guard let node = node(key) else { return nil }
        return MappingReader(node, subject: "`\(key)`", file: file)
    }

    /// The place of a key's value, or of the mapping where it is absent.
    func place(of key: String) -> Place {
        entries.first { $0.key == key }?.value.place ?? place
    }

    func has(_ key: String) -> Bool {
        entries.contains { $0.key == key }
    }

    func missing(_ key: String, hint: String) {
        file.report(.missingKey, "\(subject) has no `\(key)`", at: place, hint: hint)
    }

    func invalid(_ key: String, _ node: YAMLNode, _ wanted: String, hint: String? = nil) {
        file.report(
            .invalidValue, "`\(key)` of \(subject) must be \(wanted), not \(node.inWords)", at: node.place, hint: hint)
    }

    /// Reports every key that was not read. `later` are keys of the design that this version does not carry out, with
    /// what to do instead; `instead` are words of others for keys that are known.
    func finish(later: [String: String] = [:], instead: [String: String] = [:]) {
        for entry in entries where !known.contains(entry.key) {
            if let advice = later[entry.key] {
                file.report(
                    .notSupported, "`\(entry.key)` is not supported by this version", at: entry.keyPlace, hint: advice)
            } else if let key = instead[entry.key] {
                file.report(
                    .unknownKey, "unknown key `\(entry.key)` in \(subject)", at: entry.keyPlace,
                    hint: "the key is called `\(key)`")
            } else {
                file.report(
                    .unknownKey, "unknown key `\(entry.key)` in \(subject)", at: entry.keyPlace,
                    hint: NearestName.hint(for: entry.key, among: known, known: "allowed are"))
            }
        }
    }

    private func isScalar(_ node: YAMLNode) -> Bool {
        switch node.value {
        case .sequence, .mapping: false
        default: true
        }
    }

    private static func short(_ number: Double) -> String {
        number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : String(number)
    }
}
