import FunctionJSON

/// An open container of an outline.
struct OutlineFrame: BitwiseCopyable {
    /// The next node to look at: an element, or a member's name; and the one behind the container's last.
    var next: UnsafePointer<TapeNode>
    var end: UnsafePointer<TapeNode>
    /// The node of the tree of used paths.
    var node: Int
    /// -1 for an object.
    var array: Int32
    /// The position in the array.
    var element: Int32
    /// The membership around the container.
    var membership: Int32
    /// The number of used fields of the object not seen yet.
    var missing: Int32
}

extension EventScanner {
    /// Reads an object of which everything is known by its outline: names are compared and used values recorded, and
    /// what rules do not use is stepped over, whatever is in it.
    mutating func walk(_ part: OutlinedPart, node: Int, membership: Int32, name: inout Int) throws(ScanFault) {
        let object = part.nodes + part.index
        scratch.outlined.truncate(0)
        var frame = OutlineFrame(
            next: object + 1, end: part.nodes + Int(object.pointee.next), node: node, array: -1, element: 0,
            membership: membership, missing: paths.nodes.base[node].childCount)
        while true {
            let inner =
                frame.array < 0
                ? try members(&frame, part, name: &name) : try elements(&frame, part)
            if let inner {
                scratch.outlined.append(frame)
                frame = inner
            } else if scratch.outlined.count > 0 {
                frame = scratch.outlined.removeLast()
            } else {
                return position = part.end
            }
        }
    }

    /// Goes on with an object until all that is used in it has been seen, or to a container that comes next.
    ///
    /// As it stands for speed, which is the number of instructions, for nothing is waited for: what changes from member
    /// to member is in registers, and no sum is checked for overflow, since the text was parsed.
    @inline(__always)
    private mutating func members(
        _ frame: inout OutlineFrame, _ part: OutlinedPart, name: inout Int
    ) throws(ScanFault) -> OutlineFrame? {
        let bytes = base + part.shift
        let bytesEnd = base + count
        let names = scratch.expectedFields
        let owner = paths.serial << 32 | UInt64(truncatingIfNeeded: frame.node)
        let end = frame.end
        var next = frame.next
        var missing = frame.missing
        var place = name
        defer { name = place }
        while missing != 0, next < end {
            let text = bytes + (Int(next.pointee.offset) &- 1)
            let expected = names + (place & (ExpectedName.places - 1))
            place &+= 1
            let child: Int
            if expected.pointee.owner == owner, text + expected.pointee.reach <= bytesEnd,
                expected.pointee.stands(at: text)
            {
                child = expected.pointee.node
            } else {
                child = fieldName(next.pointee, at: text, in: frame.node, owner: owner, expecting: expected)
            }
            let value = next + 1
            next = value + 1
            if child < 0 {
                if value.pointee.isContainer { next = part.nodes + Int(value.pointee.next) }
                continue
            }
            missing &-= 1
            if value.pointee.isContainer {
                next = part.nodes + Int(value.pointee.next)
                if let inner = open(value, behind: next, node: child, membership: frame.membership) {
                    (frame.next, frame.missing) = (next, missing)
                    return inner
                }
            } else {
                try leaf(value.pointee, at: bytes + Int(value.pointee.offset), child, frame.membership)
            }
        }
        return nil
    }

    /// Goes on with an array to its end, or to a container that comes next.
    private mutating func elements(
        _ frame: inout OutlineFrame, _ part: OutlinedPart
    ) throws(ScanFault) -> OutlineFrame? {
        let bytes = base + part.shift
        while frame.next < frame.end {
            let value = frame.next
            frame.next = value + 1
            let element = frame.element
            frame.element &+= 1
            guard value.pointee.isContainer else {
                try leaf(value.pointee, at: bytes + Int(value.pointee.offset), frame.node, frame.membership)
                continue
            }
            frame.next = part.nodes + Int(value.pointee.next)
            let membership = Int32(truncatingIfNeeded: scratch.memberships.count)
            if let inner = open(value, behind: frame.next, node: frame.node, membership: membership) {
                scratch.memberships.append(
                    Membership(array: frame.array, element: element, parent: frame.membership))
                return inner
            }
        }
        return nil
    }

    /// The container of a value, nil for an object of which nothing is used.
    @inline(__always)
    private mutating func open(
        _ value: UnsafePointer<TapeNode>, behind end: UnsafePointer<TapeNode>, node: Int, membership: Int32
    ) -> OutlineFrame? {
        let isArray = value.pointee.kind == .array
        let children = paths.nodes.base[node].childCount
        if !isArray, children == 0 { return nil }
        let inner = OutlineFrame(
            next: value + 1, end: end, node: node, array: isArray ? scratch.arrayCount : -1, element: 0,
            membership: membership, missing: children)
        if isArray { scratch.arrayCount += 1 }
        return inner
    }

    /// Records a value at a used node that is no container.
    @inline(__always)
    private mutating func leaf(
        _ value: TapeNode, at text: UnsafePointer<UInt8>, _ node: Int, _ membership: Int32
    ) throws(ScanFault) {
        let path = paths.nodes.base[node].path
        if path < 0 { return }
        var (text, length) = (text, Int(value.length))
        let kind: FlatValue.Kind
        switch value.kind {
        case .number:
            position = text - base
            return try number(path: path, membership: membership)
        case .true: kind = .true
        case .false: kind = .false
        case .null: kind = .null
        default:
            kind = .string
            if value.escaped { (text, length) = decode(text - base, text - base + length) }
        }
        scratch.record(
            path: path, kind: kind, base: text, length: length, membership: membership, number: 0,
            isComparable: false)
    }

    /// Finds the node of a name, -1 if no rule uses it, and remembers it with what stands up to the colon.
    @inline(never)
    private mutating func fieldName(
        _ name: TapeNode, at text: UnsafePointer<UInt8>, in node: Int, owner: UInt64,
        expecting expected: UnsafeMutablePointer<ExpectedName>
    ) -> Int {
        let length = Int(name.length)
        if name.escaped {
            let mark = scratch.text.count
            let (decoded, count) = decode(text + 1 - base, text + 1 + length - base)
            let found = paths.descend(from: node, decoded, count)
            scratch.text.truncate(mark)
            return found
        }
        let found = paths.descend(from: node, text + 1, length)
        let available = count - (text - base)
        if length + 3 <= available, text[length + 2] == UInt8(ascii: ":") {
            expected.pointee.remember(text, length: length + 3, available: available, owner: owner, node: found)
        }
        return found
    }
}

extension TapeNode {
    @inline(__always)
    fileprivate var isContainer: Bool { kind == .object || kind == .array }
}
