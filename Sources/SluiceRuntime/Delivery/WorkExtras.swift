/// What few works carry: those that failed, were redriven, or whose events had to leave memory. Apart from the others'
/// fields, for a work is copied many times on its way. Immutable and shared: a change makes another one.
final class WorkExtras: Sendable {
    struct Fields: Sendable {
        var history: [AttemptSummary] = []
        var parked: String?
        var note: WorkNote?
        var isShed = false
        var shedAttempts = 0
        var shedBytes = 0
    }

    let fields: Fields

    init(_ fields: Fields) { self.fields = fields }
}

extension Work {
    private mutating func change(_ body: (inout WorkExtras.Fields) -> Void) {
        var fields = extras?.fields ?? WorkExtras.Fields()
        body(&fields)
        extras = WorkExtras(fields)
    }

    /// Failed attempts since the delivery was (re)started, oldest first.
    package var history: [AttemptSummary] {
        get { extras?.fields.history ?? [] }
        set { change { $0.history = newValue } }
    }

    /// A finished outcome whose publication failed and is kept: this delivery goes on there, without its handler.
    package var parked: String? {
        get { extras?.fields.parked }
        set { change { $0.parked = newValue } }
    }

    /// What sets it apart from an ordinary delivery; nil for nearly all.
    package var note: WorkNote? {
        get { extras?.fields.note }
        set { change { $0.note = newValue } }
    }

    /// Its event is not in memory: the pending set has it.
    package internal(set) var isShed: Bool {
        get { extras?.fields.isShed ?? false }
        set { change { $0.isShed = newValue } }
    }

    /// How many attempts its entry in the pending set tells of, once that is written: what is read back with fewer is
    /// the entry of an attempt before.
    var shedAttempts: Int {
        get { extras?.fields.shedAttempts ?? 0 }
        set { change { $0.shedAttempts = newValue } }
    }

    /// Of the payload that is not in memory.
    var shedBytes: Int {
        get { extras?.fields.shedBytes ?? 0 }
        set { change { $0.shedBytes = newValue } }
    }
}
