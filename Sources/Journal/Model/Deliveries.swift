/// Who wants a record. Nearly every record is wanted by one or none, and needs no list for it: each record has these,
/// and a list is one more piece of memory to be asked for by one thread and given back by another.
package struct Deliveries: Sendable, Hashable, RandomAccessCollection, ExpressibleByArrayLiteral {
    private var only: Delivery?
    /// All, where there are several.
    private var several: [Delivery] = []

    package init(_ only: Delivery) { self.only = only }

    package init(_ all: some Sequence<Delivery>) {
        let all = Array(all)
        if all.count > 1 { several = all } else { only = all.first }
    }

    package init(arrayLiteral elements: Delivery...) { self.init(elements) }

    package var startIndex: Int { 0 }
    package var endIndex: Int { only == nil ? several.count : 1 }

    package subscript(index: Int) -> Delivery {
        guard let only else { return several[index] }
        precondition(index == 0, "there is one delivery")
        return only
    }
}
