import FunctionProtocol

/// The records of a batch that an attempt did not settle, as the row of its invocation tells of them.
struct PartialFailure {
    private(set) var failed = 0
    private(set) var notReached = 0
    private var first: (code: String, message: String)?

    mutating func add(code: String, message: String) {
        failed += 1
        if first == nil { first = (code, message) }
    }

    mutating func addNotReached() { notReached += 1 }

    /// How many failed of how many, and why the first of them did; nil: none failed.
    func failure(of total: Int) -> Failure? {
        guard let first else { return nil }
        var message = "\(failed) of \(total) records failed"
        if notReached > 0 { message += ", \(notReached) \(notReached == 1 ? "was" : "were") not reached" }
        return Failure(code: first.code, message: message + (failed == 1 ? ": " : "; the first: ") + first.message)
    }
}

extension Failure {
    /// Of a record that a handler called failed without saying why.
    static let recordFailed = Failure(code: "RecordFailed", message: "the handler gave no reason")
}
