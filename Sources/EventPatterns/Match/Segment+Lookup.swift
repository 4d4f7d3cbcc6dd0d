extension Segment {
    func lookText(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) {
        let path = value.pointee.path
        let text = value.pointee.base
        let length = Int(value.pointee.length)
        let texts = plan.pointee.texts
        if texts.contains(.exact), plan.pointee.exactLengths &>> UInt64(truncatingIfNeeded: length) & 1 != 0 {
            follow(ByteHash.hash(text, length, seed: access.seed(path, .exact)), scratch, base)
        }
        if texts.contains(.folded), plan.pointee.foldedLengths &>> UInt64(truncatingIfNeeded: length) & 1 != 0 {
            follow(ByteHash.foldedHash(text, length, seed: access.seed(path, .equalsFolded)), scratch, base)
        }
        if texts.contains(.prefix) {
            lookAffixes(.prefix, plan.pointee.prefix, path, text, length, scratch, base) { $0 }
        }
        if texts.contains(.suffix) {
            lookAffixes(.suffix, plan.pointee.suffix, path, text, length, scratch, base) { $0 }
        }
        if texts.contains(.others) { lookOthers(value, plan, scratch, base) }
    }

    @inline(never)
    private func lookOthers(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) {
        let path = value.pointee.path
        let text = value.pointee.base
        let length = Int(value.pointee.length)
        if plan.pointee.prefixFolded.count > 0 {
            lookAffixes(.prefixFolded, plan.pointee.prefixFolded, path, text, length, scratch, base, ByteHash.folded)
        }
        if plan.pointee.suffixFolded.count > 0 {
            lookAffixes(.suffixFolded, plan.pointee.suffixFolded, path, text, length, scratch, base, ByteHash.folded)
        }
        if plan.pointee.addresses >= 0 { lookAddress(value, plan, scratch, base) }
        if plan.pointee.dates >= 0, let moment = InstantText.microseconds(value.pointee.text) {
            scratch.found.truncate(0)
            intervals[Int(plan.pointee.dates)].collect(
                containing: Double(moment), &scratch.found, &scratch.stack)
            for index in 0..<scratch.found.count { consider(scratch.found[index], scratch, base) }
        }
        if plan.pointee.crowd >= 0 { lookCrowds(plan.pointee.crowd, text, length, isKey: false, scratch, base) }
        if plan.pointee.usesKey { lookKey(value, plan, scratch, base) }
        if plan.pointee.grams.count > 0 { lookGrams(value, plan, scratch, base) }
    }

    /// Evaluates the sub-rules that every string leads to: first what each is filed under, for this value alone, which
    /// nearly always is the end of it.
    func lookStrings(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) {
        var test = strings.base + Int(plan.pointee.firstString)
        let end = test + Int(plan.pointee.stringCount)
        let stamps = scratch.subRuleStamps.base + base.subRule
        let ruleStamps = scratch.ruleStamps.base + base.rule
        // Each of several values leads here, and other fields are only asked for the first that passes.
        let isAlone = value.pointee.isOnly && value.pointee.isShortText
        while test < end {
            let number = test.pointee.subRule
            let rule = Int(test.pointee.rule)
            // Of a rule with several branches, one that has passed is enough.
            let isKnown = test.pointee.isBranched && rule >= 0 && ruleStamps[rule] == scratch.generation
            if stamps[Int(number)] & MatchScratch.generations != scratch.generation, !isKnown {
                if test.pointee.isGrouped, isAlone, lookTogether(test, scratch, base) {
                    test += 1
                    continue
                }
                scratch.work &+= Int(test.pointee.work)
                // As soon as can be: a branch that cannot be foretold costs the more the later it is known.
                if test.pointee.passes(value, evaluation) {
                    if rule >= 0, !test.pointee.isTogether {
                        stamps[Int(number)] = scratch.generation
                        if test.pointee.isBranched { ruleStamps[rule] = scratch.generation }
                        scratch.matched.append(Int32(truncatingIfNeeded: base.rule &+ rule))
                    } else {
                        consider(number, known: Int(test.pointee.known), scratch, base)
                    }
                }
            }
            test += 1
        }
    }

    /// Evaluates a sub-rule whose test looks for something in a text, and others in other texts; false if that is not
    /// done together, and the test, which nearly always is the end of it, comes first.
    @inline(__always)
    private func lookTogether(
        _ test: UnsafeMutablePointer<StringTest>, _ scratch: MatchScratch, _ base: SegmentBase
    ) -> Bool {
        let number = test.pointee.subRule
        guard test.pointee.isTogether else {
            consider(number, scratch, base)
            return true
        }
        guard let holds = lookTogether(soughtGroups.base + Int(test.pointee.group), scratch) else { return false }
        // No mark if it fails: it is the path's only value.
        if !holds { return true }
        scratch.subRuleStamps[base.subRule + Int(number)] = scratch.generation
        let rule = base.rule &+ Int(test.pointee.rule)
        if test.pointee.isBranched { scratch.ruleStamps[rule] = scratch.generation }
        scratch.matched.append(Int32(truncatingIfNeeded: rule))
        return true
    }

    func lookAddress(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) {
        guard value.pointee.length >= 2 else { return }
        let index = addresses.base + Int(plan.pointee.addresses)
        // To read an address takes longer than most tests.
        if index.pointee.quick != 0, failsAgain(index.pointee.only, index.pointee.quick, scratch, base) { return }
        guard let address = IPAddress.read(value.pointee.text) else { return }
        var place = index.pointee.innermost(address)
        while place >= 0 {
            let entry = index.pointee.entries.base + Int(place)
            for item in 0..<Int(entry.pointee.count) {
                pass(index.pointee.subRules[Int(entry.pointee.first) + item], scratch, base)
            }
            place = entry.pointee.outer
        }
    }

    /// Looks the folded key of a text up; only for ignore-case patterns that are not ASCII.
    func lookKey(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) {
        scratch.folded.truncate(0)
        if !foldASCII(value, scratch) {
            scratch.folded.truncate(0)
            CaseText.fold(value.pointee.text) { scratch.folded.append($0) }
        }
        let path = value.pointee.path
        let text = UnsafePointer(scratch.folded.base)
        let length = scratch.folded.count
        if plan.pointee.equalsKey {
            follow(ByteHash.hash(text, length, seed: access.seed(path, .equalsKey)), scratch, base)
        }
        if plan.pointee.prefixKey.count > 0 {
            lookAffixes(.prefixKey, plan.pointee.prefixKey, path, text, length, scratch, base) { $0 }
        }
        if plan.pointee.suffixKey.count > 0 {
            lookAffixes(.suffixKey, plan.pointee.suffixKey, path, text, length, scratch, base) { $0 }
        }
        if plan.pointee.crowd >= 0 { lookCrowds(plan.pointee.crowd, text, length, isKey: true, scratch, base) }
    }

    /// Folds a text that is ASCII, eight bytes at a time; false if it is not.
    private func foldASCII(_ value: UnsafeMutablePointer<FlatValue>, _ scratch: MatchScratch) -> Bool {
        let length = Int(value.pointee.length)
        scratch.folded.reserve(length + 8)
        var at = 0
        while at < length {
            let word = ByteHash.partialWord(value.pointee.base + at, min(8, length - at))
            if word & 0x8080_8080_8080_8080 != 0 { return false }
            // Lower case and back: what was no letter stays as it is.
            let low7 = word
            let isSmall = ((low7 &+ 0x1F1F_1F1F_1F1F_1F1F) ^ (low7 &+ 0x0505_0505_0505_0505)) & 0x8080_8080_8080_8080
            UnsafeMutableRawPointer(scratch.folded.base + at).storeBytes(
                of: (word ^ isSmall >> 2).littleEndian, as: UInt64.self)
            at += 8
        }
        scratch.folded.setCount(length)
        return true
    }

    /// Looks the starts or ends of a text up, in those lengths that the gate leaves. `transform` folds eight bytes.
    @inline(__always)
    private func lookAffixes(
        _ kind: Access.Kind, _ stretch: Access.Lengths, _ path: Int32, _ text: UnsafePointer<UInt8>, _ length: Int,
        _ scratch: MatchScratch, _ base: SegmentBase, _ transform: (UInt64) -> UInt64
    ) {
        let isStart = kind.isStart
        var open = UInt32.max
        if stretch.gate >= 0 {
            let reach = Int(stretch.reach)
            if length < reach { return }
            let end = ByteHash.partialWord(isStart ? text : text + (length - reach), reach)
            open = gates.base[Int(stretch.gate) + Access.gateSlot(transform(end))]
            // Most texts are none of those looked for.
            if open == 0 { return }
        }
        lookLengths(kind, stretch, open, path, text, length, scratch, base, isStart: isStart, transform)
    }

    @inline(never)
    private func lookLengths(
        _ kind: Access.Kind, _ stretch: Access.Lengths, _ open: UInt32, _ path: Int32, _ text: UnsafePointer<UInt8>,
        _ length: Int, _ scratch: MatchScratch, _ base: SegmentBase, isStart: Bool, _ transform: (UInt64) -> UInt64
    ) {
        for index in 0..<Int(stretch.count) {
            if index < UInt32.bitWidth, open >> UInt32(index) == 0 { return }
            if index < UInt32.bitWidth, open >> UInt32(index) & 1 == 0 { continue }
            let size = Int(lengths[Int(stretch.first) + index])
            if size > length { return }
            let start = isStart ? text : text + (length - size)
            follow(ByteHash.hash(start, size, seed: access.seed(path, kind), transform), scratch, base)
        }
    }

    /// Looks every stretch of a text up that a wildcard without literal ends may be filed under.
    func lookGrams(
        _ value: UnsafeMutablePointer<FlatValue>, _ plan: UnsafeMutablePointer<Access.Plan>, _ scratch: MatchScratch,
        _ base: SegmentBase
    ) {
        let path = value.pointee.path
        let length = Int(value.pointee.length)
        for index in 0..<Int(plan.pointee.grams.count) {
            let size = Int(lengths[Int(plan.pointee.grams.first) + index])
            if size > length { break }
            var at = 0
            let starts = plan.pointee.gramStarts
            while at + size <= length {
                let byte = Int(value.pointee.base[at])
                if starts[byte >> 6] >> UInt64(byte & 63) & 1 == 0 {
                    at += 1
                    continue
                }
                let word = ByteHash.partialWord(value.pointee.base + at, size)
                let slot = grams.slot(access.key(path, .gram, word, size))
                // The same stretch again leads to the same sub-rules.
                if slot >= 0, scratch.gramStamps.base[base.gram + slot] != scratch.generation {
                    scratch.gramStamps.base[base.gram + slot] = scratch.generation
                    follow(grams.slots.base[slot], grams.lists, scratch, base)
                }
                at += 1
            }
        }
    }

    /// Looks pairs of numbers up that may belong together: the value with each of a second path.
    func lookPlanes(
        _ value: UnsafeMutablePointer<FlatValue>, _ first: Int32, _ scratch: MatchScratch, _ base: SegmentBase
    ) {
        var number = first
        while number >= 0 {
            let plane = planes.base + Int(number)
            number = plane.pointee.next
            var index = scratch.firstValue(plane.pointee.second)
            if index < 0 { continue }
            for position in 0..<plane.pointee.wide.count {
                consider(plane.pointee.wide[position], scratch, base)
            }
            let column = plane.pointee.column(value.pointee.number)
            var tried = 0
            while index >= 0 {
                // In large arrays, all that may go with the first number is less than every pair.
                if tried == 256 {
                    for item in plane.pointee.column(at: column) {
                        consider(plane.pointee.rectangles[Int(item)].subRule, scratch, base)
                    }
                    break
                }
                tried += 1
                let second = scratch.values.base + Int(index)
                index = second.pointee.next
                guard second.pointee.isComparable else { continue }
                if second.pointee.membership != value.pointee.membership,
                    !scratch.areConsistent(second.pointee.membership, value.pointee.membership)
                {
                    continue
                }
                for item in plane.pointee.cell(column: column, second.pointee.number) {
                    let rectangle = plane.pointee.rectangles.base + Int(item)
                    if rectangle.pointee.contains(value.pointee.number, second.pointee.number) {
                        consider(rectangle.pointee.subRule, scratch, base)
                    }
                }
            }
        }
    }
}
