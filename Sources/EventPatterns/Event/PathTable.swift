import Synchronization

/// The paths that some rule uses, as a tree over their steps. A path gets a number that never changes while paths are
/// added.
///
/// Steps are split at dots, on both sides: `{"a":{"b":…}}` and `{"a.b":…}` are the same path.
///
/// Immutable after `init`; `@unchecked Sendable` because the buffers are written only there and freed in `deinit`.
final class PathTable: @unchecked Sendable {
    struct Node: BitwiseCopyable {
        /// The number of the path that ends here, -1 if none does.
        var path: Int32
        /// Where the children's table begins.
        var firstChild: Int32
        /// Entries to compare in turn, or, with `mask` ≥ 0, slots of a hash table.
        var childCount: Int32
        /// The number of slots less one; -1 for a plain list.
        var mask: Int32
        /// Whether some child has children: only then can a name with a dot lead anywhere.
        var isDeep: Bool
    }

    struct Child: BitwiseCopyable {
        var lead: UInt64
        /// The length of the step; -1 in an empty slot.
        var length: Int32
        var textOffset: Int32
        var node: Int32
    }

    let nodes: Buffer<Node>
    let children: Buffer<Child>
    let text: Buffer<UInt8>
    let paths: [FieldPath]
    /// Another number for each table.
    let serial: UInt64
    private let numbers: [FieldPath: Int32]
    private let seed = ByteHash.secret

    /// The number of a path.
    func number(of path: FieldPath) -> Int32? { numbers[path] }

    deinit {
        nodes.free()
        children.free()
        text.free()
    }

    private static let lastSerial = Atomic<UInt64>(0)

    init(paths: [FieldPath]) {
        self.paths = paths
        serial = PathTable.lastSerial.add(1, ordering: .relaxed).newValue
        var numbers: [FieldPath: Int32] = [:]
        numbers.reserveCapacity(paths.count)
        var tree = Tree()
        for (index, path) in paths.enumerated() {
            numbers[path] = Int32(index)
            tree.insert(path, number: Int32(index))
        }
        self.numbers = numbers
        var nodes = Buffer<Node>(capacity: tree.nodes.count)
        var children = Buffer<Child>()
        var text = Buffer<UInt8>()
        for source in tree.nodes {
            var node = Node(
                path: source.path, firstChild: Int32(children.count), childCount: 0, mask: -1,
                isDeep: source.children.values.contains { !tree.nodes[Int($0)].order.isEmpty })
            let entries = source.order.map { step -> Child in
                let offset = text.count
                step.bytes.withUnsafeBufferPointer { bytes in
                    if let base = bytes.baseAddress { text.append(contentsOf: base, count: bytes.count) }
                }
                let lead = step.bytes.withUnsafeBufferPointer { bytes in
                    bytes.baseAddress.map { ByteHash.partialWord($0, min(8, bytes.count)) } ?? 0
                }
                return Child(
                    lead: lead, length: Int32(step.bytes.count), textOffset: Int32(offset),
                    node: source.children[step, default: 0])
            }
            node.childCount = Int32(entries.count)
            if entries.count <= 8 {
                for entry in entries { children.append(entry) }
            } else {
                var slots = 32
                while slots < entries.count * 2 { slots *= 2 }
                node.mask = Int32(slots - 1)
                for _ in 0..<slots { children.append(Child(lead: 0, length: -1, textOffset: 0, node: 0)) }
                for entry in entries {
                    let hash = ByteHash.hash(text.base + Int(entry.textOffset), Int(entry.length), seed: seed)
                    var slot = Int(truncatingIfNeeded: hash >> 32) & (slots - 1)
                    while children[Int(node.firstChild) + slot].length >= 0 { slot = (slot + 1) & (slots - 1) }
                    children[Int(node.firstChild) + slot] = entry
                }
            }
            nodes.append(node)
        }
        self.nodes = nodes
        self.children = children
        self.text = text
    }

    /// The child of a node for one step whose first eight bytes are `lead`, -1 if no rule goes there.
    @inline(__always)
    func child(of node: Int, _ step: UnsafePointer<UInt8>, _ length: Int, lead: UInt64) -> Int {
        let entry = nodes.base[node]
        let first = children.base + Int(entry.firstChild)
        if entry.mask < 0 {
            for index in 0..<Int(entry.childCount) {
                let child = first + index
                if child.pointee.lead == lead, Int(child.pointee.length) == length,
                    length <= 8
                        || ByteHash.equal(step + 8, text.base + Int(child.pointee.textOffset) + 8, length - 8)
                {
                    return Int(child.pointee.node)
                }
            }
            return -1
        }
        let hash = ByteHash.hash(step, length, seed: seed)
        var slot = Int(truncatingIfNeeded: hash >> 32) & Int(entry.mask)
        while first[slot].length >= 0 {
            let child = first[slot]
            if child.lead == lead, Int(child.length) == length,
                length <= 8 || ByteHash.equal(step + 8, text.base + Int(child.textOffset) + 8, length - 8)
            {
                return Int(child.node)
            }
            slot = (slot + 1) & Int(entry.mask)
        }
        return -1
    }

    /// The node that a field name leads to, step by step if the name has dots.
    @inline(__always)
    func descend(from node: Int, _ name: UnsafePointer<UInt8>, _ length: Int) -> Int {
        let lead = ByteHash.partialWord(name, min(8, length))
        let direct = child(of: node, name, length, lead: lead)
        if direct >= 0 || !nodes.base[node].isDeep { return direct }
        if !PathTable.hasDot(lead), length <= 8 || !PathTable.hasDot(name + 8, length - 8) { return direct }
        return descendDotted(from: node, name, length)
    }

    @inline(__always)
    private static func hasDot(_ word: UInt64) -> Bool {
        let apart = word ^ 0x2E2E_2E2E_2E2E_2E2E
        return (apart &- 0x0101_0101_0101_0101) & ~apart & 0x8080_8080_8080_8080 != 0
    }

    /// Whether a name has a dot: eight bytes at a time, for most names have none.
    @inline(__always)
    private static func hasDot(_ name: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        var index = 0
        while index < length {
            if hasDot(ByteHash.partialWord(name + index, min(8, length - index))) { return true }
            index += 8
        }
        return false
    }

    @inline(never)
    private func descendDotted(from start: Int, _ name: UnsafePointer<UInt8>, _ length: Int) -> Int {
        var node = start
        var stepStart = 0
        var index = 0
        while index <= length {
            if index == length || name[index] == UInt8(ascii: ".") {
                let step = name + stepStart
                let size = index - stepStart
                node = child(of: node, step, size, lead: ByteHash.partialWord(step, min(8, size)))
                if node < 0 { return -1 }
                stepStart = index + 1
            }
            index += 1
        }
        return node
    }

    /// The most entries that are compared to find a step that is there.
    var longestSearch: Int {
        (0..<nodes.count).reduce(0) { longest, index in
            let node = nodes[index]
            guard node.mask >= 0 else { return max(longest, Int(node.childCount)) }
            return (0...Int(node.mask)).reduce(longest) { longest, slot in
                let child = children[Int(node.firstChild) + slot]
                if child.length < 0 { return longest }
                let hash = ByteHash.hash(text.base + Int(child.textOffset), Int(child.length), seed: seed)
                return max(longest, 1 + (slot - Int(truncatingIfNeeded: hash >> 32)) & Int(node.mask))
            }
        }
    }

    /// The number of bytes held.
    var byteCount: Int {
        nodes.byteCount + children.byteCount + text.byteCount
            + paths.reduce(0) { $0 + 2 * ($1.bytes.capacity + 32) + 24 }
    }

    private struct Tree {
        struct Node {
            var path: Int32 = -1
            var children: [FieldPath: Int32] = [:]
            var order: [FieldPath] = []
        }

        var nodes = [Node()]

        mutating func insert(_ path: FieldPath, number: Int32) {
            var current = 0
            for step in path.bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
                let key = FieldPath(bytes: Array(step))
                if let next = nodes[current].children[key] {
                    current = Int(next)
                } else {
                    let next = nodes.count
                    nodes.append(Node())
                    nodes[current].children[key] = Int32(next)
                    nodes[current].order.append(key)
                    current = next
                }
            }
            nodes[current].path = number
        }
    }
}
