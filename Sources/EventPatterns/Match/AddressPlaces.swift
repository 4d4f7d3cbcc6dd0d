/// A table from the leading bits of a number to its place among ascending numbers, 32 bits each: a search by halves
/// takes a branch at each step that cannot be foretold, and longer than all else that is done with an address.
struct AddressPlaces: BitwiseCopyable {
    private let least: UInt64
    private let shift: UInt64
    private let count: Int
    /// For each slot the number of entries in slots before it, and one end more; empty for few entries.
    private let starts: Buffer<UInt32>

    private static let slots: UInt64 = 256

    /// Builds the table for `count` numbers, ascending.
    init(count: Int, _ number: (Int) -> UInt64) {
        self.count = count
        guard count > 4 else {
            (least, shift, starts) = (0, 0, Buffer())
            return
        }
        least = number(0)
        let span = number(count - 1) - least
        var shift: UInt64 = 0
        while span >> shift >= AddressPlaces.slots { shift += 1 }
        self.shift = shift
        starts = Buffer(repeating: 0, count: Int(AddressPlaces.slots) + 1)
        for index in 0..<count { starts[Int((number(index) - least) >> shift) + 1] += 1 }
        for slot in 1..<starts.count { starts[slot] += starts[slot - 1] }
    }

    /// The last entry that is not above a number, -1 if all are.
    @inline(__always)
    func last(_ number: UInt64, _ entry: (Int) -> UInt64) -> Int {
        var low = 0
        var high = count
        if count > 4 {
            if number < least { return -1 }
            let slot = min((number &- least) &>> shift, AddressPlaces.slots - 1)
            low = Int(starts.base[Int(slot)])
            high = Int(starts.base[Int(slot) + 1])
        }
        while low < high {
            let middle = (low + high) >> 1
            if entry(middle) <= number { low = middle + 1 } else { high = middle }
        }
        return low - 1
    }

    func free() { starts.free() }

    var byteCount: Int { starts.byteCount }
}
