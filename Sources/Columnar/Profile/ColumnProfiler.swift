import CLinux
import Glibc

/// Watches the values of one column on their way into pages: what the builder has parsed or found in its dictionary is
/// not looked at again. Used by one thread at a time.
final class ColumnProfiler {
    /// Distinct values that are counted exactly; beyond, a sketch takes over.
    let exactLimit: Int
    static let bytesPerValue = 48
    /// After the sketch has taken over, one value in so many is looked at for frequent values and personal data.
    static let sampleStep = 16
    static let mostCandidates = 4096
    static let fullLookValues: Int64 = 10_000

    var rows: Int64 = 0
    var nulls: Int64 = 0
    var values: Int64 = 0
    /// Exact counts, or candidates for frequent values.
    let tally = ValueTally()
    var sketch: DistinctSketch?
    var moments = NumberMoments()
    var bounds = ValueBounds()
    var lengths: (minimum: Int, maximum: Int, total: Int64) = (.max, 0, 0)
    var looked: Int64 = 0
    /// By the position of a kind among all.
    var found = [Int64](repeating: 0, count: PersonalData.allCases.count)
    var sampleOffset = 0
    /// Of values that were sampled lately, part of their hashes: only what comes again is counted. Made with the
    /// sketch.
    var recent: UnsafeMutablePointer<UInt32>?
    static let recentBits: UInt64 = 11

    /// How often each id of the chunk's dictionary came: in two halves while there are few, since then neighbours are
    /// often equal, and one count would wait for the other.
    var counts: UnsafeMutablePointer<UInt32>
    var countCapacity = 0
    var usedCounts = 0
    var hasHalves = true
    static let mostHalved = 1024

    init(exactLimit: Int) {
        self.exactLimit = exactLimit
        counts = .allocate(capacity: 1)
    }

    deinit {
        counts.deallocate()
        recent?.deallocate()
    }

    // MARK: parts

    var isFull: Bool { tally.count > exactLimit || tally.bytes > exactLimit * Self.bytesPerValue }

    /// Bytes of a number with its length.
    static let numberBytes = 12

    /// Makes room to count values exactly of which few come twice, as in a column without a dictionary. Growing step by
    /// step would take as long as counting.
    func reserveTally(_ values: Int, bytes: Int) {
        let most = min(values, exactLimit + 1 - tally.count)
        if most > 0 { tally.reserve(most, bytes: min(bytes, exactLimit * Self.bytesPerValue)) }
    }

    /// Goes over from exact counts to an estimate.
    /// - Parameter numbers: whether the values are numbers, which have hashes of their own.
    func beginSketch(numbers: Bool) {
        let sketch = DistinctSketch()
        tally.forEach { text, _ in
            guard let base = text.baseAddress else { return }
            let hash =
                numbers
                ? DistinctSketch.hash(UnsafeRawPointer(base).loadUnaligned(as: Int64.self))
                : DistinctSketch.hash(base, text.count)
            DistinctSketch.add(hash, to: sketch.registers)
        }
        self.sketch = sketch
        tally.prune(to: Self.mostCandidates / 4)
        let memory = UnsafeMutablePointer<UInt32>.allocate(capacity: 1 << Int(Self.recentBits))
        memset(memory, 0, 4 << Int(Self.recentBits))
        recent = memory
    }

    /// One value of a sample. What comes but once among many others is not kept.
    func addSample(_ text: UnsafePointer<UInt8>, _ length: Int, key: UInt64, _ hash: UInt64) {
        let times = Int64(Self.sampleStep)
        if tally.addKnown(text, length, key: key, times: times) { return }
        guard let recent else { return }
        let slot = Self.recentSlot(hash)
        let tag = UInt32(truncatingIfNeeded: hash) | 1
        if recent[slot] == tag {
            tally.add(text, length, key: key, times: 2 * times)
        } else {
            recent[slot] = tag
        }
    }

    @inline(__always)
    private static func recentSlot(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash &>> (64 &- recentBits)) }

    /// Begins to bring what `addSample` needs of a number into the nearest cache.
    @inline(__always)
    func fetchSample(_ number: Int64) {
        if let recent { clinux_prefetch(recent + Self.recentSlot(DistinctSketch.hash(number))) }
        tally.fetch(number)
    }

    /// Of entries of a dictionary only those that come often: the others cannot be frequent.
    func addCandidate(_ isFrequent: Bool, _ add: () -> Void) {
        guard isFrequent else { return }
        add()
        if tally.count > Self.mostCandidates { tally.prune(to: Self.mostCandidates / 4) }
    }

    /// Every sixteenth position, going on where the last page ended.
    @inline(__always)
    func sample(from: Int, to: Int, _ body: (Int) -> Void) {
        endSample(forSample(from: from, to: to, body) - to)
    }

    /// The positions of the next sample, without going on to the one after it.
    /// - Returns: the first position of that one.
    @inline(__always)
    @discardableResult
    func forSample(from: Int, to: Int, _ body: (Int) -> Void) -> Int {
        var position = from + sampleOffset
        while position < to {
            body(position)
            position += Self.sampleStep
        }
        return position
    }

    /// - Parameter offset: of the next position in what is to come.
    func endSample(_ offset: Int) {
        sampleOffset = offset
        if tally.count > Self.mostCandidates { tally.prune(to: Self.mostCandidates / 4) }
    }

    /// All positions, or every sixteenth, with how many values each stands for.
    func look(_ count: Int, _ body: (Int, Int64) -> Void) {
        let step = looked < Self.fullLookValues ? 1 : Self.sampleStep
        for position in stride(from: 0, to: count, by: step) { body(position, Int64(min(step, count - position))) }
    }

    func lookAt(_ text: UnsafeBufferPointer<UInt8>, times: Int64) {
        looked += times
        if let kind = PersonalData.kind(of: text) { found[kind.ordinal] += times }
    }

    /// Whole numbers of as many digits as cards and tax numbers have.
    func lookAt(number: Int64, times: Int64) {
        looked += times
        guard number >= 10_000_000_000 else { return }
        if let kind = PersonalData.kind(of: String(number)) { found[kind.ordinal] += times }
    }

    /// Zeros of both signs are one value, and so is every NaN.
    @inline(__always)
    static func canonical(_ bits: Int64) -> Int64 {
        if bits == .min { return 0 }
        return bits & .max > 0x7FF0_0000_0000_0000 ? canonicalNaN : bits
    }

    static let canonicalNaN: Int64 = 0x7FF8_0000_0000_0000

    // MARK: the end

    func profile(_ column: ColumnSchema, top limit: Int) -> ColumnProfile {
        let type = column.type
        let estimate = sketch.map { Int64($0.estimate.rounded()) }
        let mean = moments.count == 0 || !type.isNumber ? nil : moments.mean / type.scaleFactor
        let deviation = moments.count == 0 || !type.isNumber ? nil : moments.standardDeviation / type.scaleFactor
        let share = Double(max(1, looked))
        return ColumnProfile(
            name: column.name, type: type.description, rows: rows, nulls: nulls,
            distinct: .init(
                count: estimate.map { min($0, values) } ?? Int64(tally.count), isExact: estimate == nil),
            minimum: bounds.isEmpty ? nil : type.text(least: bounds),
            maximum: bounds.isEmpty ? nil : type.text(greatest: bounds),
            mean: mean.flatMap { $0.isFinite ? $0 : nil },
            standardDeviation: deviation.flatMap { $0.isFinite ? $0 : nil },
            lengths: type == .string && values > 0
                ? .init(
                    minimum: lengths.minimum, maximum: lengths.maximum, mean: Double(lengths.total) / Double(values))
                : nil,
            // Of a sample, what was seen but three times says nothing.
            top: tally.top(limit).filter { estimate == nil || $0.count > 3 * Int64(Self.sampleStep) }.map {
                .init(value: type.text(stored: $0.value), count: $0.count)
            },
            lookalikes: PersonalData.allCases.map { .init(kind: $0, share: Double(found[$0.ordinal]) / share) }
                .filter { $0.share >= 0.001 }.sorted { ($0.share, $1.kind.rawValue) > ($1.share, $0.kind.rawValue) })
    }
}
