/// Parts of an expression that have a fixed length: they are compared with a text's beginning or end at once, whatever
/// they are.
enum RegexParts {
    /// A place of a fixed sequence: the bytes that may stand there.
    typealias Place = [ClosedRange<UInt8>]

    /// The most sequences that one step tries, and the most bytes of one.
    static let mostForms = 8
    static let mostPlaces = 60

    /// What follows one another in an expression: bytes for themselves, and what is repeated behind its least number.
    static func parts(of tree: RegexTree) -> [RegexTree] {
        switch tree {
        case .empty: []
        case .sequence(let parts): parts.flatMap { self.parts(of: $0) }
        case .repeated(.bytes(let ranges), let least, let most) where least <= 1000:
            [RegexTree](repeating: .bytes(ranges), count: least)
                + (most == least ? [] : [.repeated(.bytes(ranges), least: 0, most: most.map { max(0, $0 - least) })])
        case .repeated(let part, let least, let most?) where least == most && least <= mostPlaces && group(part) == nil:
            (0..<least).flatMap { _ in parts(of: part) }
        default: [tree]
        }
    }

    /// Some bytes of one class, a number of them there or not, and one of another: `[0-9a-f]{1,4}:`.
    static func group(_ tree: RegexTree) -> (inner: Place, least: Int, more: Int, behind: Place)? {
        let parts = parts(of: tree)
        guard parts.count > 2, case .bytes(let behind) = parts[parts.count - 1],
            case .repeated(.bytes(let inner), 0, let more?) = parts[parts.count - 2], more <= 16, parts.count <= 18,
            parts.dropLast(2).allSatisfy({ $0 == .bytes(inner) })
        else { return nil }
        return (inner, parts.count - 2, more, behind)
    }

    /// The only byte that may stand at a place.
    static func literal(_ place: Place) -> UInt8? {
        place.count == 1 && place[0].count == 1 ? place[0].lowerBound : nil
    }

    /// The fixed sequences that an expression is, if these are all and few.
    static func forms(_ tree: RegexTree) -> [[Place]]? {
        switch tree {
        case .empty: return [[]]
        case .bytes(let ranges): return [[ranges]]
        case .choice(let parts):
            var forms: [[Place]] = []
            for part in parts {
                guard let more = self.forms(part), forms.count + more.count <= mostForms else { return nil }
                forms += more
            }
            return forms
        case .repeated(let part, 0, 1):
            guard let more = forms(part), more.count < mostForms else { return nil }
            return [[]] + more
        case .sequence, .repeated:
            let parts = self.parts(of: tree)
            if parts.count == 1, parts[0] == tree { return nil }
            return parts.reduce([[]]) { product($0, $1) }
        }
    }

    private static func product(_ forms: [[Place]]?, _ part: RegexTree) -> [[Place]]? {
        guard let forms, let more = self.forms(part), forms.count * more.count <= mostForms else { return nil }
        let all = forms.flatMap { form in more.map { form + $0 } }
        return all.allSatisfy { $0.count <= mostPlaces } ? all : nil
    }

    /// The fixed sequences that some parts begin with, as many parts as can be said so, and the parts behind them; nil
    /// if there is nothing to be gained.
    static func fixed(_ parts: ArraySlice<RegexTree>) -> (forms: [[Place]], rest: ArraySlice<RegexTree>)? {
        var forms: [[Place]]? = [[]]
        var rest = parts
        while let part = rest.first, let longer = product(forms, part) {
            forms = longer
            rest = rest.dropFirst()
        }
        guard let forms, forms.contains(where: { $0.count > 1 }) else { return nil }
        return (forms, rest)
    }

    /// The same for what parts end with.
    static func fixed(fromEnd parts: ArraySlice<RegexTree>) -> (forms: [[Place]], rest: ArraySlice<RegexTree>)? {
        var forms: [[Place]]? = [[]]
        var rest = parts
        while let part = rest.last, let before = self.forms(part), let behind = forms,
            before.count * behind.count <= mostForms
        {
            let longer = before.flatMap { form in behind.map { form + $0 } }
            guard longer.allSatisfy({ $0.count <= mostPlaces }) else { break }
            forms = longer
            rest = rest.dropLast()
        }
        guard let forms, forms.contains(where: { $0.count > 1 }) else { return nil }
        return (forms, rest)
    }

    /// The places of a sequence's literals that differ, up to four: where all of these stand, the sequence nearly
    /// always does.
    static func chosen(_ form: [Place]) -> [Int] {
        var known: Set<UInt8> = []
        let differing = form.indices.filter { literal(form[$0]).map { known.insert($0).inserted } ?? false }
        return Array(differing.prefix(4))
    }

    /// Whether a sequence is soon found anywhere in a text.
    static func isDistinct(_ form: [Place]) -> Bool {
        form.count <= mostPlaces && form.count { literal($0) != nil } >= 4 && chosen(form).count >= 3
    }
}
