/// Where the events of an attempt come from, work by work. Nearly every event comes from outside, and has no lineage.
package struct Origins: Sendable {
    private let count: Int
    /// Empty where no work has a lineage.
    private var lineages: [Lineage] = []

    init(of works: [Work]) {
        count = works.count
        guard works.indices.contains(where: { !works[$0].lineage.isEmpty }) else { return }
        lineages = works.map { Lineage(text: $0.lineage) ?? Lineage() }
    }

    package subscript(work: Int) -> Lineage { lineages.isEmpty ? Lineage() : lineages[work] }

    /// The work with the longest chain, the first one of several; nil for no work at all.
    var longest: Int? {
        if lineages.isEmpty { return count == 0 ? nil : 0 }
        return lineages.indices.max { lineages[$0].hops.count < lineages[$1].hops.count }
    }

    /// The alarm that any of the events follows from.
    var alarm: String? { lineages.lazy.compactMap(\.alarm).first }

    /// A lineage that has used up the hop budget.
    func exhausting(_ budget: Int) -> Lineage? { lineages.first { $0.hops.count >= budget } }
}

extension [Work] {
    /// The object each work is about, where it is an object event; empty where none is.
    var objectInputs: [ObjectInput?] {
        var inputs: [ObjectInput?] = []
        for index in indices {
            guard let input = EventReading.objectInput(of: self[index].payload) else {
                if !inputs.isEmpty { inputs.append(nil) }
                continue
            }
            if inputs.isEmpty { inputs = Array<ObjectInput?>(repeating: nil, count: index) }
            inputs.append(input)
        }
        return inputs
    }
}
