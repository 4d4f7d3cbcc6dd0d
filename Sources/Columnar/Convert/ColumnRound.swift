import Synchronization

/// One batch (or the end of a row group) for all columns, done by one thread or shared by two.
///
/// The caller takes columns from one end of the order, the helper from the other, until they meet: so a column stays
/// with one thread, whose cache holds its dictionary, and yet neither waits long for the other.
final class ColumnRound: PairedWork {
    /// What is to be done with a column, with the workspace of the thread.
    private var action: (_ column: Int, PageWorkspace) throws(ColumnarError) -> Void
    /// Done by the helper before it takes columns.
    private var meanwhile: (() -> Void)?
    private let order: [Int]
    private let workspaces: [PageWorkspace]
    private let claimed = Atomic<Int>(0)
    /// The first error of each side; each thread writes its own.
    private var errors: (caller: ColumnarError?, helper: ColumnarError?)

    init(
        order: [Int], workspaces: [PageWorkspace], meanwhile: (() -> Void)? = nil,
        action: @escaping (_ column: Int, PageWorkspace) throws(ColumnarError) -> Void
    ) {
        self.order = order
        self.workspaces = workspaces
        self.meanwhile = meanwhile
        self.action = action
    }

    /// Does everything, on one thread without a pair.
    func run(with pair: ThreadPair?) throws(ColumnarError) {
        if let pair {
            pair.run(self)
        } else {
            meanwhile?()
            run(side: .caller)
        }
        if let error = errors.caller ?? errors.helper { throw error }
    }

    func run(side: ThreadPair.Side) {
        if side == .helper { meanwhile?() }
        var taken = 0
        // No more claims than columns, so that the ends never cross.
        while claimed.add(1, ordering: .relaxed).oldValue < order.count {
            let column = side == .caller ? order[taken] : order[order.count - 1 - taken]
            taken += 1
            do throws(ColumnarError) {
                try action(column, workspaces[side.rawValue])
            } catch {
                if side == .caller { errors.caller = error } else { errors.helper = error }
                return
            }
        }
    }
}
