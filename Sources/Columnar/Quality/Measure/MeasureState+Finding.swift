extension MeasureState {
    /// What was found where the number alone does not say it, in words; after `value`.
    func finding() throws(ColumnarError) -> String? {
        switch kind {
        case .columnExists(let name): return columns.contains { $0.name == name } ? nil : "no such column"
        case .columnNamesMatch(let pattern):
            let others = columns.filter { !pattern.matches($0.sourceName) }.map(\.sourceName)
            guard let first = others.first else { return nil }
            let shown = first.prefix(80)
            return others.count == 1 ? "column \"\(shown)\"" : "\(others.count) columns, the first \"\(shown)\""
        case .primaryKey, .uniqueness:
            guard let counts = try keyCounts() else { return nil }
            var words: [String] = []
            let repeated = counts.distinct - counts.once
            if repeated > 0 { words.append("\(repeated) \(repeated == 1 ? "value" : "values") more than once") }
            if case .primaryKey = kind, hits < records {
                words.append("\(records - hits) \(records - hits == 1 ? "row" : "rows") without a value")
            }
            return words.isEmpty ? nil : words.joined(separator: " and ")
        default: return nil
        }
    }
}
