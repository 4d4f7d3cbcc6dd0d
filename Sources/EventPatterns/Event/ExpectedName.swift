/// A field name as it was met at one place among an event's names: its text from the opening quote to the colon.
///
/// Events come in few shapes, with the same names in the same order. A name is first compared with the one that was in
/// its place the last time. If it is the same, as it nearly always is, then where it ends and what rules make of it
/// need not be found out; above all the processor, which foretells that, goes on reading behind it before the name
/// itself has been read.
struct ExpectedName: BitwiseCopyable {
    /// The number of places that are told apart; a power of two.
    static let places = 32
    /// The longest text that is remembered.
    static let longest = 32

    /// The text, zeros above; at first what no masked word can be. Of a text of more than sixteen bytes also the last
    /// sixteen.
    private var first: UInt64 = 1
    private var second: UInt64 = 0
    private var lastButOne: UInt64 = 0
    private var last: UInt64 = 0
    /// The bytes of the first two words that belong to the text.
    private var firstMask: UInt64 = 0
    private var secondMask: UInt64 = 0
    /// The number of bytes of the text.
    private(set) var length = 0
    /// The number of bytes that must be there to compare them.
    private(set) var reach = 16
    /// For names that rules may use: the table of paths and the node that the name was looked up in, as one number.
    private(set) var owner: UInt64 = 0
    /// What the lookup gave.
    private(set) var node = -1

    private init() {}

    /// A table of places; whoever makes it deallocates it.
    static func table() -> UnsafeMutablePointer<ExpectedName> {
        let table = UnsafeMutablePointer<ExpectedName>.allocate(capacity: places)
        table.initialize(repeating: ExpectedName(), count: places)
        return table
    }

    /// Whether the text stands at `text`, of which `reach` bytes can be read.
    @inline(__always)
    func stands(at text: UnsafePointer<UInt8>) -> Bool {
        guard (ByteHash.word(text) & firstMask ^ first) | (ByteHash.word(text + 8) & secondMask ^ second) == 0 else {
            return false
        }
        if length <= 16 { return true }
        return (ByteHash.word(text + (length - 16)) ^ lastButOne) | (ByteHash.word(text + (length - 8)) ^ last) == 0
    }

    /// Remembers a name that was read at `text`, of which `available` bytes can be read: if it is short, and ASCII
    /// without control characters, for then bytes that equal it are as good as it was. It must not have escapes.
    mutating func remember(
        _ text: UnsafePointer<UInt8>, length: Int, available: Int, owner: UInt64 = 0, node: Int = -1
    ) {
        guard length <= ExpectedName.longest, available >= max(16, length) else { return }
        for index in 0..<length where text[index] < 0x20 || text[index] >= 0x80 { return }
        var new = ExpectedName()
        new.firstMask = length >= 8 ? .max : ByteHash.low(.max, length)
        new.secondMask = length >= 16 ? .max : length > 8 ? ByteHash.low(.max, length - 8) : 0
        new.first = ByteHash.word(text) & new.firstMask
        new.second = ByteHash.word(text + 8) & new.secondMask
        if length > 16 {
            new.lastButOne = ByteHash.word(text + (length - 16))
            new.last = ByteHash.word(text + (length - 8))
            new.reach = length
        }
        (new.length, new.owner, new.node) = (length, owner, node)
        self = new
    }
}
