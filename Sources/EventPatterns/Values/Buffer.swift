/// A growable array of trivial values without reference counting, bounds checks or uniqueness checks on access: what
/// the matcher's inner loops run on. It must be freed by its owner.
@usableFromInline
struct Buffer<Element: BitwiseCopyable>: BitwiseCopyable {
    @usableFromInline private(set) var base: UnsafeMutablePointer<Element>
    @usableFromInline private(set) var count = 0
    private(set) var capacity: Int

    init(capacity: Int = 0) {
        self.capacity = max(capacity, 1)
        base = .allocate(capacity: self.capacity)
    }

    /// A buffer of `count` equal values.
    init(repeating value: Element, count: Int) {
        self.init(capacity: count)
        base.initialize(repeating: value, count: count)
        self.count = count
    }

    init(_ elements: [Element]) {
        self.init(capacity: elements.count)
        for element in elements { append(element) }
    }

    func free() { base.deallocate() }

    @inline(__always)
    subscript(index: Int) -> Element {
        get {
            assert(index >= 0 && index < count)
            return base[index]
        }
        nonmutating set {
            assert(index >= 0 && index < count)
            base[index] = newValue
        }
    }

    @inline(__always)
    mutating func append(_ element: Element) {
        if count == capacity { grow(to: count + 1) }
        (base + count).initialize(to: element)
        count += 1
    }

    mutating func append(contentsOf source: UnsafePointer<Element>, count added: Int) {
        if count + added > capacity { grow(to: count + added) }
        (base + count).initialize(from: source, count: added)
        count += added
    }

    @inline(never)
    private mutating func grow(to needed: Int) {
        reserve(max(needed, capacity * 2, 16))
    }

    /// Makes room for `needed` elements in all.
    mutating func reserve(_ needed: Int) {
        guard needed > capacity else { return }
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: needed)
        larger.moveInitialize(from: base, count: count)
        base.deallocate()
        base = larger
        capacity = needed
    }

    /// Appends equal values until there are `newCount`.
    mutating func extend(to newCount: Int, with value: Element) {
        reserve(newCount)
        (base + count).initialize(repeating: value, count: newCount - count)
        count = newCount
    }

    /// Sets the count of elements to a smaller one.
    @inline(__always)
    mutating func truncate(_ newCount: Int) {
        assert(newCount <= count)
        count = newCount
    }

    /// Sets the count after elements have been written in place, within the capacity.
    @inline(__always)
    mutating func setCount(_ newCount: Int) {
        assert(newCount <= capacity)
        count = newCount
    }

    @inline(__always)
    mutating func removeLast() -> Element {
        count -= 1
        return base[count]
    }

    /// Gives back the room that is not used.
    mutating func shrink() {
        guard capacity > max(count, 1) else { return }
        let smaller = UnsafeMutablePointer<Element>.allocate(capacity: max(count, 1))
        smaller.moveInitialize(from: base, count: count)
        base.deallocate()
        base = smaller
        capacity = max(count, 1)
    }

    /// The number of bytes allocated.
    var byteCount: Int { capacity * MemoryLayout<Element>.stride }
}
