import CLinux
import Glibc

/// An estimate of how many distinct hashes it has seen: HyperLogLog with 2^14 registers of a byte, standard error 0.81
/// %. Source of the estimator, which needs no correction tables: O. Ertl, "New cardinality estimation algorithms for
/// HyperLogLog sketches" (2017), algorithm 6.
final class DistinctSketch {
    private static let count = 1 << CLINUX_SKETCH_BITS
    /// Bits of a hash, behind those of the register, in which its rank is looked for.
    private static let rankBits = CLINUX_RANK_BITS

    let registers: UnsafeMutablePointer<UInt8>

    init() {
        registers = .allocate(capacity: Self.count)
        memset(registers, 0, Self.count)
    }

    deinit { registers.deallocate() }

    /// Reads all registers in their order, which brings them into the cache sooner than hashes would: each of many
    /// columns finds its own gone when its turn comes again.
    /// - Returns: whether there are hashes.
    @discardableResult @inline(never)
    func warmUp() -> Bool {
        var all: UInt8 = 0
        for line in stride(from: 0, to: Self.count, by: 64) { all |= registers[line] }
        return all != 0
    }

    /// Adds a hash, all of whose bits must be as good as random.
    @inline(__always)
    static func add(_ hash: UInt64, to registers: UnsafeMutablePointer<UInt8>) {
        clinux_sketch(hash, registers)
    }

    /// The hash of a number.
    @inline(__always)
    static func hash(_ value: Int64) -> UInt64 {
        clinux_hash_number(UInt64(bitPattern: value))
    }

    /// Adds numbers, doubles by their canonical bits.
    func add(_ numbers: UnsafePointer<Int64>, count: Int, areDoubles: Bool) {
        clinux_sketch_numbers(numbers, count, areDoubles, registers)
    }

    /// The hash of a text; sixteen bytes from it, and fifteen behind its end, must be readable.
    @inline(__always)
    static func hash(_ text: UnsafePointer<UInt8>, _ length: Int) -> UInt64 {
        clinux_hash_text(text, UInt64(truncatingIfNeeded: length)).hash
    }

    var estimate: Double {
        let longest = Self.rankBits
        let histogram = histogram
        let size = Double(Self.count)
        var sum = size * Self.tau(1 - Double(histogram[longest + 1]) / size)
        for rank in stride(from: longest, through: 1, by: -1) { sum = 0.5 * (sum + Double(histogram[rank])) }
        sum += size * Self.sigma(Double(histogram[0]) / size)
        return sum == 0 ? 0 : size * size / (2 * log(2)) / sum
    }

    /// How many registers hold each rank. Four counts side by side, since neighbours are often equal, and one would
    /// wait for the other.
    private var histogram: [Int] {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4 * 64) { parts in
            guard let parts = parts.baseAddress else { return [] }
            memset(parts, 0, 4 * 4 * 64)
            for index in stride(from: 0, to: Self.count, by: 4) {
                for part in 0..<4 { parts[64 &* part &+ Int(registers[index &+ part] & 63)] &+= 1 }
            }
            return (0..<64).map { Int(parts[$0] + parts[64 + $0] + parts[128 + $0] + parts[192 + $0]) }
        }
    }

    private static func sigma(_ value: Double) -> Double {
        if value == 1 { return .infinity }
        var (x, y, z) = (value, 1.0, value)
        while true {
            x *= x
            let before = z
            z += x * y
            y += y
            if z == before { return z }
        }
    }

    private static func tau(_ value: Double) -> Double {
        if value == 0 || value == 1 { return 0 }
        var (x, y, z) = (value, 1.0, 1 - value)
        while true {
            x = x.squareRoot()
            let before = z
            y *= 0.5
            z -= (1 - x) * (1 - x) * y
            if z == before { return z / 3 }
        }
    }
}
