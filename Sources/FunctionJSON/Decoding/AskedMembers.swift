import Synchronization

/// Which members of which objects a decoding has asked for: the others are in vain.
final class AskedMembers: Sendable {
    /// By the object's place on the tape; an object is in it once its members were to be read one by one.
    private let names = Mutex<[Int: Set<String>]>([:])

    func open(_ object: Int) { names.withLock { $0[object] = $0[object] ?? [] } }

    func ask(_ name: String, of object: Int) { names.withLock { _ = $0[object, default: []].insert(name) } }

    /// Fails for the first member, in the order of the text, that nobody has asked for.
    func requireAll(of tape: Tape) throws {
        for (object, known) in names.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            var name = object + 1
            while name < Int(tape.nodes[object].next) {
                let text = tape.text(name)
                guard known.contains(text) else {
                    let names = known.isEmpty ? "none" : known.sorted().joined(separator: ", ")
                    throw tape.corrupted("there is no key `\(text)`; known are \(names)", at: object)
                }
                name = Int(tape.nodes[name + 1].next)
            }
        }
    }
}
