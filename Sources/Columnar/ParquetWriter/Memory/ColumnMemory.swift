import CLinux
import Glibc
import Synchronization

/// Memory for the pages of a conversion's columns, in blocks from a kilobyte to a megabyte.
///
/// The system hands memory out in pages of 4 KB, each at its first touch: a fifth of a conversion's time went there.
/// Here it comes in regions of huge pages (two megabytes at a touch) where all of it is going to be used, and goes back
/// as a whole. Blocks that are given back serve again. May be used by two threads at a time.
final class ColumnMemory: Sendable {
    /// Addresses as numbers: what the lock guards is the lists, not what lies there.
    private struct State {
        var regions: [(base: UInt, size: Int)] = []
        /// What is left of the last region.
        var next: UInt = 0
        var left = 0
        /// Blocks given back, by class.
        var free: [[UInt]] = []
    }

    private let state = Mutex(State())
    private let usesHugePages: Bool

    /// Regions before the first with huge pages: what is small is not made large.
    private static let smallRegion = 256 << 10
    private static let region = 8 << 20
    private static let hugePage = 2 << 20
    private static let largestBlock = 1 << 20

    /// - Parameter usesHugePages: whether all that is asked for will be used; else untouched pages take no room.
    init(usesHugePages: Bool) {
        self.usesHugePages = usesHugePages
    }

    deinit {
        state.withLock { state in
            for region in state.regions { munmap(UnsafeMutableRawPointer(bitPattern: region.base), region.size) }
        }
    }

    /// Where two threads wait for it, `Mutex` takes the lock within the library, which thread sanitizers do not see.
    private func withLock<Result>(_ body: (inout State) -> Result) -> Result {
        let name = Unmanaged.passUnretained(self).toOpaque()
        return state.withLock { state in
            clinux_sanitizer_locked(name)
            defer { clinux_sanitizer_unlocks(name) }
            return body(&state)
        }
    }

    /// Memory for `count` bytes at least, not set to anything.
    func allocate(_ count: Int) -> UnsafeMutableRawPointer {
        guard count <= Self.largestBlock else { return Self.plain(count) }
        let (index, size) = Self.sizeClass(count)
        let address = withLock { state in
            if index < state.free.count, let block = state.free[index].popLast() { return block }
            if size > state.left, !takeLarger(&state, index, size) { addRegion(&state, size) }
            defer {
                state.next += UInt(size)
                state.left -= size
            }
            return state.next
        }
        return UnsafeMutableRawPointer(bitPattern: address) ?? Self.plain(size)
    }

    /// Takes back a block that was allocated for `count` bytes.
    func deallocate(_ block: UnsafeMutableRawPointer, _ count: Int) {
        guard count <= Self.largestBlock else { return Glibc.free(block) }
        let (index, _) = Self.sizeClass(count)
        let address = UInt(bitPattern: block)
        withLock { state in
            while state.free.count <= index { state.free.append([]) }
            state.free[index].append(address)
        }
    }

    /// Four sizes from each power of two to the next, so that at most a fifth of a block is not used.
    private static func sizeClass(_ count: Int) -> (index: Int, size: Int) {
        let size = max(1024, count)
        let exponent = Int.bitWidth - 1 - (size - 1).leadingZeroBitCount
        let step = 1 << max(0, exponent - 2)
        let rounded = (size + step - 1) / step * step
        return ((exponent - 9) * 4 + (rounded - (1 << exponent)) / step, rounded)
    }

    /// Bytes that a block for `count` bytes has.
    static func blockSize(_ count: Int) -> Int { count <= largestBlock ? sizeClass(count).size : count }

    /// Goes on in a block that was given back and is larger than what is asked for, before there is a new region.
    private func takeLarger(_ state: inout State, _ index: Int, _ size: Int) -> Bool {
        for larger in state.free.indices where larger > index {
            guard let block = state.free[larger].popLast() else { continue }
            (state.next, state.left) = (block, Self.size(ofClass: larger))
            return true
        }
        return false
    }

    private static func size(ofClass index: Int) -> Int {
        let power = 1 << (index / 4 + 9)
        return power + index % 4 * (power / 4)
    }

    private func addRegion(_ state: inout State, _ size: Int) {
        let isHuge = usesHugePages && !state.regions.isEmpty
        let wanted = max(state.regions.isEmpty ? Self.smallRegion : Self.region, size)
        let reserved = isHuge ? wanted + Self.hugePage : wanted
        guard let base = mmap(nil, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            base != MAP_FAILED
        else {
            preconditionFailure("out of memory: \(reserved) bytes for column buffers")
        }
        state.regions.append((UInt(bitPattern: base), reserved))
        state.next = UInt(bitPattern: base)
        if isHuge {
            state.next = (state.next + UInt(Self.hugePage - 1)) & ~UInt(Self.hugePage - 1)
            // Without huge pages it goes more slowly, and otherwise as well.
            _ = madvise(UnsafeMutableRawPointer(bitPattern: state.next), wanted, MADV_HUGEPAGE)
        }
        state.left = wanted
    }

    private static func plain(_ count: Int) -> UnsafeMutableRawPointer {
        guard let block = malloc(count) else {
            // As Swift's own allocation does; `FreeMemory` has asked before, where it could be an error.
            preconditionFailure("out of memory: \(count) bytes for a column buffer")
        }
        return block
    }
}
