import EventPatterns

/// Patterns, each with what it means.
extension Generator {
    mutating func pattern() -> NaivePattern {
        if chance(20) { return rectangle() }
        var branches: [NaivePattern.Branch] = []
        let text = fields(&branches, path: [], depth: 0)
        return NaivePattern(branches: branches, text: text)
    }

    /// Two ranges below the same field, which large sets of rules file together.
    private mutating func rectangle() -> NaivePattern {
        let name = "a"
        var branch: NaivePattern.Branch = [:]
        var parts: [String] = []
        for inner in ["b", "c"] {
            let (test, text) = range()
            branch["\(name).\(inner)"] = [[test]]
            parts.append("\"\(inner)\":[\(text)]")
        }
        return NaivePattern(branches: [branch], text: "{\"\(name)\":{\(parts.joined(separator: ","))}}")
    }

    /// An object of a pattern, written into every branch so far.
    private mutating func fields(_ branches: inout [NaivePattern.Branch], path: [String], depth: Int) -> String {
        var parts: [String] = []
        for _ in 0..<(1 + random.below(3)) {
            if depth < 3, chance(10) {
                let before = branches.isEmpty ? [[:]] : branches
                branches = []
                var options: [String] = []
                for _ in 0..<2 {
                    var own = before
                    options.append(fields(&own, path: path, depth: depth + 1))
                    branches += own
                }
                parts.append("\"$or\":[\(options.joined(separator: ","))]")
                continue
            }
            let name = pick(Self.keys)
            if depth < 3, chance(35) {
                parts.append(quoted(name) + ":" + fields(&branches, path: path + [name], depth: depth + 1))
                continue
            }
            // Now and then all of the tests must be passed, each by some value.
            let isAllOf = chance(8)
            var tests: [NaiveTest] = []
            var texts: [String] = []
            // Now and then a long list of one kind, which is searched.
            let kind = chance(6) ? random.below(4) : -1
            for _ in 0..<(kind >= 0 ? 2 + random.below(20) : chance(5) ? 12 : 1 + random.below(3)) {
                let (test, text) = kind >= 0 ? listed(kind) : test()
                if isAllOf, case .absent = test { continue }
                tests.append(test)
                texts.append(text)
            }
            if tests.isEmpty {
                tests.append(.exists)
                texts.append("{\"exists\":true}")
            }
            if branches.isEmpty { branches.append([:]) }
            let whole = (path + [name]).joined(separator: ".")
            for index in branches.indices { branches[index][whole] = isAllOf ? tests.map { [$0] } : [tests] }
            let list = "[\(texts.joined(separator: ","))]"
            parts.append(quoted(name) + ":" + (isAllOf ? "[{\"all-of\":\(list)}]" : list))
        }
        return "{\(parts.joined(separator: ","))}"
    }

    /// A test of a kind that is put into an order where there are many.
    private mutating func listed(_ kind: Int) -> (NaiveTest, String) {
        switch kind {
        case 0:
            let word = pick(Array(NaiveAddress.known.keys.sorted()))
            if chance(40) { return (.literal(.string(word)), quoted(word)) }
            let (text, base, bits) = pick(Self.blocks)
            return (.cidr(base, bits), "{\"cidr\":\"\(text)\"}")
        case 1:
            if chance(50) { return range() }
            let number = pick(Self.numbers)
            return (.literal(.number(number)), number.text)
        case 2: return anythingBut()
        default:
            let wildcard = pick(NaiveTest.casedWildcards)
            return (.wildcardIgnoringCase(wildcard), "{\"wildcard\":{\"equals-ignore-case\":\(quoted(wildcard))}}")
        }
    }

    private mutating func test() -> (NaiveTest, String) {
        let word = pick(Self.words)
        let written = quoted(word)
        switch random.below(22) {
        case 18:
            let wildcard = pick(NaiveTest.casedWildcards)
            return (.wildcardIgnoringCase(wildcard), "{\"wildcard\":{\"equals-ignore-case\":\(quoted(wildcard))}}")
        case 19:
            let regex = pick(NaiveTest.regexes.keys.sorted())
            return (.regex(regex), "{\"regex\":\(quoted(regex))}")
        case 20:
            let (text, first, last) = pick(NaiveTest.dates)
            return (.date(first, last), "{\"date\":[\(text)]}")
        case 21:
            let (text, first, last, ahead) = pick(NaiveTest.timesOfDay)
            return (.timeOfDay(first, last, ahead: ahead), "{\"time-of-day\":[\(text)]}")
        case 0: return (.exactly(word), "{\"exactly\":\(written)}")
        case 1: return (.prefix(word), "{\"prefix\":\(written)}")
        case 2: return (.suffix(word), "{\"suffix\":\(written)}")
        case 3: return (.equalsIgnoringCase(word), "{\"equals-ignore-case\":\(written)}")
        case 4: return (.prefixIgnoringCase(word), "{\"prefix\":{\"equals-ignore-case\":\(written)}}")
        case 5: return (.suffixIgnoringCase(word), "{\"suffix\":{\"equals-ignore-case\":\(written)}}")
        case 6, 7:
            let wildcard = pick(Self.wildcards)
            return (.wildcard(wildcard), "{\"wildcard\":\(quoted(wildcard))}")
        case 8, 9: return range()
        case 10:
            let (text, base, bits) = pick(Self.blocks)
            return (.cidr(base, bits), "{\"cidr\":\"\(text)\"}")
        case 11: return (.exists, "{\"exists\":true}")
        case 12: return (.absent, "{\"exists\":false}")
        case 13, 14: return anythingBut()
        case 15:
            let number = pick(Self.numbers)
            return (.literal(.number(number)), number.text)
        default:
            let value = scalar()
            return (.literal(value), text(value))
        }
    }

    private mutating func range() -> (NaiveTest, String) {
        let low = random.below(Self.bounds.count - 1)
        let high = low + 1 + random.below(Self.bounds.count - 1 - low)
        let (lowText, lowValue) = Self.bounds[low]
        let (highText, highValue) = Self.bounds[high]
        let includesLow = chance(50)
        let includesHigh = chance(50)
        let above = "\"\(includesLow ? ">=" : ">")\",\(lowText)"
        let below = "\"\(includesHigh ? "<=" : "<")\",\(highText)"
        switch random.below(4) {
        case 0:
            return (
                .range(low: lowValue, includesLow: includesLow, high: .infinity, includesHigh: true),
                "{\"numeric\":[\(above)]}"
            )
        case 1:
            return (
                .range(low: -.infinity, includesLow: true, high: highValue, includesHigh: includesHigh),
                "{\"numeric\":[\(below)]}"
            )
        default:
            return (
                .range(low: lowValue, includesLow: includesLow, high: highValue, includesHigh: includesHigh),
                "{\"numeric\":[\(above),\(below)]}"
            )
        }
    }

    private mutating func anythingBut() -> (NaiveTest, String) {
        let count = chance(10) ? 12 : 1 + random.below(3)
        var words: [String] = []
        for _ in 0..<count { words.append(pick(Self.words)) }
        if isHot { words.append("ab") }
        func list(_ texts: [String], _ generator: inout Generator) -> String {
            texts.count == 1 && generator.chance(50) ? texts[0] : "[\(texts.joined(separator: ","))]"
        }
        switch random.below(6) {
        case 0:
            let numbers = (0..<count).map { _ in pick(Self.numbers.filter { $0.value != nil }) }
            return (
                .anythingBut(numbers.map { .literal(.number($0)) }),
                "{\"anything-but\":\(list(numbers.map(\.text), &self))}"
            )
        case 1:
            let wildcards = (0..<count).map { _ in pick(Self.wildcards) }
            var texts: [String] = []
            for wildcard in wildcards { texts.append(quoted(wildcard)) }
            return (
                .anythingBut(wildcards.map { .wildcard($0) }), "{\"anything-but\":{\"wildcard\":\(list(texts, &self))}}"
            )
        case 2, 3:
            let affixes = words.filter { !$0.isEmpty } + ["a"]
            var texts: [String] = []
            for affix in affixes { texts.append(quoted(affix)) }
            let isPrefix = chance(50)
            return (
                .anythingBut(affixes.map { isPrefix ? .prefix($0) : .suffix($0) }),
                "{\"anything-but\":{\"\(isPrefix ? "prefix" : "suffix")\":\(list(texts, &self))}}"
            )
        case 4:
            var texts: [String] = []
            for word in words { texts.append(quoted(word)) }
            return (
                .anythingBut(words.map { .equalsIgnoringCase($0) }),
                "{\"anything-but\":{\"equals-ignore-case\":\(list(texts, &self))}}"
            )
        default:
            var texts: [String] = []
            for word in words { texts.append(quoted(word)) }
            return (.anythingBut(words.map { .exactly($0) }), "{\"anything-but\":\(list(texts, &self))}")
        }
    }
}
